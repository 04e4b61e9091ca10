-- Sends the prepared requests of a file in turn, over and over, and counts the wrong answers.
-- Arguments: the file, a line "METHOD<tab>PATH<tab>BODY" for each request; and how many connections
-- there are. They send their first requests one after another, once the server could accept all:
-- it is asked how it serves many, not how it takes a crowd that comes at one moment.
-- Prints one line of JSON at the end: counts, seconds, and latencies in ms.

local thread
local requests = {}
local turn = 0
local connections
local begun = 0
local OPENING_MS = 250
local STEP_MS = 10

wrong = 0

function setup(only_thread)
  thread = only_thread
end

function init(args)
  local headers = { ["Accept"] = "application/json", ["Content-Type"] = "application/json" }
  connections = tonumber(args[2])
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
    requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
  end
end

function delay()
  if begun == connections then
    return 0
  end
  begun = begun + 1
  return OPENING_MS + STEP_MS * begun
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

-- Every right answer holds a hero, and so a "secretName" or "secret_name"; non-2xx wrk counts.
function response(status, _, body)
  if status == 200 and (not body:find('"secret', 1, true) or body:find('"errors"', 1, true)) then
    wrong = wrong + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "non_2xx": %d, "wrong": %d, '
      .. '"socket": %d, "timeouts": %d}',
    summary.requests, summary.duration / 1e6 - OPENING_MS / 1e3, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, errors.status, thread:get("wrong"),
    errors.connect + errors.read + errors.write, errors.timeout
  ))
end
