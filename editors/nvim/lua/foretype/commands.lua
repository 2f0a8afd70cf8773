--- The command `:Foretype` and what it does.

local client = require('foretype.client')
local completer = require('foretype.completer')
local config = require('foretype.config')
local place = require('foretype.place')
local rpc = require('foretype.rpc')
local status = require('foretype.status')

local api = vim.api

local M = {}

---@param message string
local function warn(message)
  vim.notify('Foretype: ' .. message, vim.log.levels.WARN)
end

--- Shows lines in a window of their own.
---@param name string
---@param lines string[]
local function show(name, lines)
  local title = 'foretype://' .. name
  local known = vim.fn.bufnr('^' .. title .. '$')
  local bufnr = known ~= -1 and known or api.nvim_create_buf(false, true)
  vim.bo[bufnr].modifiable = true
  api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].buftype = 'nofile'
  vim.bo[bufnr].bufhidden = 'wipe'
  if known == -1 then
    api.nvim_buf_set_name(bufnr, title)
  end
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, desc = 'Close' })
  local win = vim.fn.bufwinid(bufnr)
  if win ~= -1 then
    api.nvim_set_current_win(win)
  else
    vim.cmd.split({ mods = { split = 'botright' } })
    api.nvim_win_set_buf(0, bufnr)
    api.nvim_win_set_height(0, math.min(#lines, math.floor(vim.o.lines / 2)))
  end
end

--- Runs the server's program with other arguments.
---@param arguments string[]
---@param done fun(output: string)
local function run(arguments, done)
  local function ended(result)
    if result.code == 0 then
      done(result.stdout)
    else
      warn(vim.trim(result.stderr))
    end
  end
  -- argparse breaks lines where the terminal would.
  local options = { text = true, env = { COLUMNS = '1000' } }
  local is_started, problem =
    pcall(vim.system, client.program(arguments), options, vim.schedule_wrap(ended))
  if not is_started then
    warn(tostring(problem))
  end
end

--- What is on, what is running, and what was said last.
---@return string[]
function M.status_lines()
  local bufnr = api.nvim_get_current_buf()
  local attached = place.client(bufnr)
  local lines = {}
  if not attached then
    lines[1] = 'Foretype is not in this buffer; :checkhealth foretype says why.'
  elseif config.off(bufnr) then
    lines[1] = 'Foretype suggests nothing here: ' .. config.off(bufnr) .. '.'
  elseif place.is_native(bufnr, attached) then
    lines[1] = 'Foretype is on in this buffer, and vim.lsp.inline_completion draws it.'
  else
    lines[1] = 'Foretype is on in this buffer.'
  end
  local current = status.get()
  lines[2] = current and 'The server says: ' .. current.message or 'The server has said nothing.'
  local messages = status.messages()
  if #messages > 0 then
    lines[#lines + 1] = 'The last messages:'
    for _, message in ipairs(messages) do
      vim.list_extend(lines, vim.split('  ' .. message, '\n'))
    end
  end
  return lines
end

local function explain()
  local bufnr = api.nvim_get_current_buf()
  local attached = place.client(bufnr)
  if not attached then
    return warn('it is not in this buffer; :checkhealth foretype says why')
  end
  local params = { textDocument = { uri = vim.uri_from_bufnr(bufnr) } }
  rpc.request(attached, 'foretype/explain', params, function(err, result)
    if err then
      return warn(err.message)
    end
    show('explain', vim.split(result.message, '\n'))
  end, bufnr)
end

---@param form? string
local function stats(form)
  if form == 'html' then
    run({ 'stats', '--html' }, function(output)
      local page = vim.trim(output)
      if not vim.uv.fs_stat(page) then
        return warn(page)
      end
      vim.ui.open(page)
    end)
    return
  end
  run({ 'stats' }, function(output)
    show('stats', vim.split(vim.trim(output), '\n'))
  end)
end

local function log()
  run({ '--help' }, function(output)
    local file = output:match('where to log %(default: (.-)%)')
    if not file then
      return warn('the server does not say where its log is')
    end
    vim.cmd.split({ vim.fn.fnameescape(file), mods = { split = 'botright' } })
    vim.bo.readonly = true
    vim.bo.autoread = true
    vim.cmd('normal! G')
  end)
end

---@param is_on boolean
---@return fun(scope?: foretype.Scope)
local function switch(is_on)
  return function(scope)
    config.switch(is_on, scope or 'everywhere')
    completer.refresh()
    vim.cmd.redrawstatus({ bang = true })
  end
end

---@class foretype.Command
---@field run fun(argument?: string)
---@field arguments string[]

---@type table<string, foretype.Command>
local commands = {
  status = {
    run = function()
      api.nvim_echo({ { table.concat(M.status_lines(), '\n') } }, false, {})
    end,
    arguments = {},
  },
  enable = { run = switch(true), arguments = { 'buffer', 'filetype' } },
  disable = { run = switch(false), arguments = { 'buffer', 'filetype' } },
  explain = { run = explain, arguments = {} },
  stats = { run = stats, arguments = { 'html' } },
  log = { run = log, arguments = {} },
  restart = { run = client.restart, arguments = {} },
}

--- Runs `:Foretype`.
---@param words string[]
function M.run(words)
  local name, argument = words[1] or 'status', words[2]
  local command = commands[name]
  if not command then
    return warn(
      ('there is no :Foretype %s; there are %s'):format(name, table.concat(M.names(), ', '))
    )
  end
  if argument and not vim.tbl_contains(command.arguments, argument) or words[3] then
    local known = #command.arguments > 0 and table.concat(command.arguments, ' or ') or 'nothing'
    return warn((':Foretype %s takes %s'):format(name, known))
  end
  command.run(argument)
end

---@return string[]
function M.names()
  local names = vim.tbl_keys(commands)
  table.sort(names)
  return names
end

--- Completes the command's arguments.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(line, '%s+')
  local command = commands[words[2]]
  local known = #words > 2 and (command and command.arguments or {}) or M.names()
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, #words > 3 and {} or known)
end

return M
