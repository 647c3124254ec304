-- One line that bench.py can read, after wrk's own report: requests, microseconds, p50, p99, errors.
function done(summary, latency)
   local e = summary.errors
   io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
