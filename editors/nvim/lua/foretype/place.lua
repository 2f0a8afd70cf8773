--- Where the cursor is, in buffers that a server suggests in.

local config = require('foretype.config')
local rpc = require('foretype.rpc')

local api = vim.api

local M = {}

---@class foretype.Place
---@field client vim.lsp.Client
---@field win integer
---@field bufnr integer
---@field tick integer Another one after every change.
---@field row integer From 0.
---@field col integer In bytes.
---@field line string

local clients = {} ---@type table<integer, integer> The client of each buffer.

---@param bufnr integer
---@param client? vim.lsp.Client Nil where nothing is suggested any more.
function M.set_client(bufnr, client)
  clients[bufnr] = client and client.id
end

---@param bufnr integer
---@param client_id integer
---@return boolean
function M.has_client(bufnr, client_id)
  return clients[bufnr] == client_id
end

--- The client that suggests in a buffer.
---@param bufnr integer
---@return vim.lsp.Client?
function M.client(bufnr)
  local client = clients[bufnr] and vim.lsp.get_client_by_id(clients[bufnr])
  return client and not rpc.is_stopped(client) and client or nil
end

--- Whether Neovim's own module draws what a client suggests, because a person had it so.
---@param bufnr integer
---@param client vim.lsp.Client
---@return boolean
function M.is_native(bufnr, client)
  local native = vim.lsp.inline_completion
  if not native then
    return false
  end
  -- NB: Not every version takes both at once.
  local is_taken, is_on = pcall(native.is_enabled, { bufnr = bufnr, client_id = client.id })
  return is_taken and is_on or not is_taken and native.is_enabled({ bufnr = bufnr })
end

---@return foretype.Place? place Nil where nothing may be suggested now.
function M.here()
  if api.nvim_get_mode().mode:sub(1, 1) ~= 'i' then
    return nil
  end
  local bufnr = api.nvim_get_current_buf()
  local client = M.client(bufnr)
  if
    not client
    or not vim.bo[bufnr].modifiable
    or config.off(bufnr)
    or M.is_native(bufnr, client)
  then
    return nil
  end
  local win = api.nvim_get_current_win()
  local cursor = api.nvim_win_get_cursor(win)
  return {
    client = client,
    win = win,
    bufnr = bufnr,
    tick = api.nvim_buf_get_changedtick(bufnr),
    row = cursor[1] - 1,
    col = cursor[2],
    line = api.nvim_get_current_line(),
  }
end

---@param a foretype.Place
---@param b foretype.Place?
---@return boolean
function M.is_same(a, b)
  return b ~= nil
    and a.bufnr == b.bufnr
    and a.win == b.win
    and a.tick == b.tick
    and a.row == b.row
    and a.col == b.col
end

return M
