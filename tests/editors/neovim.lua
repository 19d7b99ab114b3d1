-- Neovim's own client, with the configuration of docs/editors.md. Environment: STORY, SNIPPET.

local story = vim.fn.json_decode(vim.fn.readfile(os.getenv("STORY")))
local known, new = story.known, story.new

local function fail(what, ...)
  error(what .. ": " .. vim.inspect({ ... }), 0)
end

-- Runs the event loop until the condition holds.
local function wait(what, seconds, condition)
  local value, seen
  if not vim.wait(1000 * seconds, function()
    value, seen = condition()
    return value
  end, 50) then
    fail("waited too long for " .. what, seen or value, vim.fn.execute("messages"))
  end
  return value
end

local function the_client()
  local all = (vim.lsp.get_clients or vim.lsp.get_active_clients)()
  return all[1] and all[1].initialized and all[1] or nil
end

local client

local function ask(method, params)
  local result, problem
  client.request(method, params, function(err, answer)
    problem, result = err, answer
  end)
  wait("the answer to " .. method, 60, function()
    return problem or result
  end)
  if problem then
    fail(method, problem)
  end
  return result
end

local function command(name, params)
  return ask("workspace/executeCommand", { command = "codecontext.server." .. name, arguments = { params } })
end

local function check_hits(hits, place, line)
  local best = hits[1]
  if not best or best.path ~= place.path or best.symbol ~= place.symbol or best.selectionRange.start.line ~= line then
    fail("best hit", place, best)
  end
  local seen = {}
  for _, hit in ipairs(hits) do
    local key = hit.path .. ":" .. hit.range.start.line
    if seen[key] then
      fail("distinct hits", key)
    end
    seen[key] = true
  end
end

local function check_cursor(what, place, line)
  local file = story.folder .. "/" .. place.path
  if vim.api.nvim_buf_get_name(0) ~= file or vim.fn.line(".") ~= line + 1 then
    fail(what, vim.api.nvim_buf_get_name(0), vim.fn.line("."), place)
  end
end

-- Until the index knows the place: what was saved is searchable soon, not at once.
local function wait_for_hit(place)
  for _ = 1, 300 do
    local hits = command("search", { query = place.question }).hits
    if hits[1] and hits[1].symbol == place.symbol then
      return check_hits(hits, place, place.line)
    end
    vim.wait(100)
  end
  fail("found after saving", place, command("search", { query = place.question }), command("status", {}))
end

local function quickfix_of(line)
  vim.fn.setqflist({})
  vim.cmd(line)
  wait(line, 60, function()
    return #vim.fn.getqflist() > 0
  end)
end

local function story_of_a_day()
  dofile(os.getenv("SNIPPET"))
  vim.cmd("edit " .. vim.fn.fnameescape(story.folder .. "/app/prices.py"))
  client = wait("the server", 60, the_client)

  -- the index builds itself; the status line says when it is done
  wait("the status line", 200, function()
    local line = vim.api.nvim_eval_statusline(vim.o.statusline, {}).str
    return line:find("CodeContext ", 1, true) and true or nil, line
  end)
  local status = command("status", {})
  if status.health ~= "ok" or not status.folders[1].ready or status.folders[1].coverage ~= 1 then
    fail("ready", status)
  end

  check_hits(command("search", { query = known.question }).hits, known, known.line)
  check_hits(ask("codecontext/search", { query = known.question }).hits, known, known.line)

  quickfix_of("CodeContext " .. known.question)
  vim.cmd("cclose | cfirst")
  check_cursor(":CodeContext", known, known.line)

  vim.cmd("edit app/prices.py")
  vim.ui.select = function(items, options, on_choice)
    assert(options.format_item(items[1]):find(known.path, 1, true), options.format_item(items[1]))
    on_choice(items[1], 1)
  end
  quickfix_of("CodeContextPick " .. known.question)
  check_cursor(":CodeContextPick", known, known.line)

  vim.cmd("edit app/prices.py")
  vim.fn.setqflist({})
  vim.lsp.buf.workspace_symbol(known.question)
  wait("symbols", 60, function()
    return #vim.fn.getqflist() > 0
  end)
  if not vim.fn.getqflist()[1].text:find("[ .]" .. known.symbol .. "$") then
    fail("symbol by meaning", vim.fn.getqflist()[1])
  end
  vim.cmd("cclose | cfirst")
  check_cursor("symbol by meaning", known, known.line)

  -- lines that are not saved yet move the hit
  vim.api.nvim_buf_set_lines(0, 0, 0, false, { "# one", "# two", "# three" })
  check_hits(command("search", { query = known.question }).hits, known, known.line + 3)
  vim.cmd("edit!")

  vim.cmd("edit " .. new.path)
  vim.api.nvim_buf_set_lines(0, 0, -1, false, new.lines)
  vim.cmd("write")
  wait_for_hit(new)

  client.stop()
  wait("the server to stop", 20, function()
    return client.is_stopped()
  end)
end

local ok, problem = pcall(story_of_a_day)
io.stdout:write("\n" .. (ok and "PASS" or ("FAIL " .. tostring(problem))) .. "\n")
vim.cmd(ok and "qall!" or "cquit!")
