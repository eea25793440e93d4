-- wrk's requests: a table of {headers, body} from the file in WRK_REQUESTS, to the path in WRK_PATH, in turn.
local requests, turn = {}, 0
local read = dofile(os.getenv("WRK_REQUESTS"))
function init()
  for place, one in ipairs(read) do
    requests[place] = wrk.format("POST", os.getenv("WRK_PATH"), one.headers, one.body)
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %f %f %f %d %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, summary.requests, bad))
end
