--- What is known of the server's state, for the status line and for messages.

local api = vim.api

local M = {}

---@class foretype.Status
---@field kind 'Normal'|'Warning'|'Error'|'Inactive'
---@field message string Its state, a colon, and more about it.
---@field busy boolean

local current ---@type foretype.Status?
local told = {} ---@type table<string, true> The states a person was told of.
local messages = {} ---@type string[]

-- So many of the last messages can be read again.
local N_MESSAGES = 20

--- Says something in one line, whatever its length: more would ask for Enter.
---@param message string
---@param level integer
function M.say(message, level)
  messages[#messages + 1] = message
  if #messages > N_MESSAGES then
    table.remove(messages, 1)
  end
  local line = message:gsub('%s*\n%s*', '; ')
  local n_cells = vim.v.echospace
  if vim.fn.strdisplaywidth(line) > n_cells then
    local more = '… :Foretype status'
    line = vim.fn.strcharpart(line, 0, n_cells - vim.fn.strdisplaywidth(more)) .. more
  end
  vim.notify(line, level)
end

--- The last messages, whole.
---@return string[]
function M.messages()
  return messages
end

local function changed()
  api.nvim_exec_autocmds('User', { pattern = 'ForetypeStatus', modeline = false })
  vim.cmd.redrawstatus({ bang = true })
end

---@param status? foretype.Status Nil where there is no server.
function M.set(status)
  current = status
  changed()
  if not status or status.kind ~= 'Warning' then
    return
  end
  local state = M.state()
  if state and not told[state] then
    told[state] = true
    M.say('Foretype: ' .. status.message, vim.log.levels.WARN)
  end
end

--- Forgets what was told, for a server that begins anew.
function M.reset()
  told = {}
end

---@return foretype.Status?
function M.get()
  return current
end

--- The state in a few words, such as `ready` or `offline`.
---@return string?
function M.state()
  return current and current.message:match('^[^:]*')
end

return M
