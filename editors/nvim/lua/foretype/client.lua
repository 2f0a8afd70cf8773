--- The server's process: how it is started, what it tells, and what follows its end.

local completer = require('foretype.completer')
local config = require('foretype.config')
local rpc = require('foretype.rpc')
local status = require('foretype.status')

local api = vim.api

local M = {}

M.NAME = 'foretype'

-- A server that ends by itself so often in so many seconds stays ended.
local MAX_CRASHES, CRASH_SPAN_S = 5, 180
local FIRST_DELAY_MS = 500

local crashes = {} ---@type integer[] When the server ended by itself, in seconds.
local has_told_missing = false

--- The command as it is set, also by `vim.lsp.config`.
---@return string[]
function M.command()
  local set = vim.lsp.config and vim.lsp.config[M.NAME]
  local cmd = set and set.cmd
  return type(cmd) == 'table' and cmd or config.current.cmd
end

--- The same program with other arguments than those that have it serve.
---@param arguments string[]
---@return string[]
function M.program(arguments)
  local cmd = vim.tbl_filter(function(argument)
    return argument ~= '--stdio'
  end, M.command())
  return vim.list_extend(cmd, arguments)
end

---@param cmd string[]
---@return boolean is_there Tells once where it is not.
local function is_there(cmd)
  if vim.fn.executable(cmd[1]) == 1 then
    return true
  end
  if not has_told_missing then
    has_told_missing = true
    local message = 'Foretype: there is no program %q; see :checkhealth foretype'
    status.say(message:format(cmd[1]), vim.log.levels.WARN)
  end
  return false
end

--- Says so where the server is wanted and its program is not there: Neovim only logs it.
---@return boolean is_done Whether there is nothing more to look for.
function M.check_program()
  local is_enabled = vim.lsp.is_enabled and vim.lsp.is_enabled(M.NAME)
  if is_enabled then
    is_there(M.command())
  end
  return is_enabled == true
end

---@param bufnr integer
---@return string
local function root(bufnr)
  local name = api.nvim_buf_get_name(bufnr)
  if name == '' then
    return vim.fn.getcwd()
  end
  return vim.fs.root(bufnr, config.current.root_markers)
    or vim.fs.dirname(vim.fn.fnamemodify(name, ':p'))
end

--- Tells a running server of one more project.
---@param client vim.lsp.Client
---@param bufnr integer
local function add_folder(client, bufnr)
  local folder = root(bufnr)
  local added = { uri = vim.uri_from_fname(folder), name = folder }
  for _, known in ipairs(client.workspace_folders or {}) do
    if known.uri == added.uri then
      return
    end
  end
  client.workspace_folders = vim.list_extend(client.workspace_folders or {}, { added })
  rpc.notify(client, 'workspace/didChangeWorkspaceFolders', {
    event = { added = { added }, removed = {} },
  })
end

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO }

local handlers = {
  didChangeStatus = function(_, params)
    status.set(params)
  end,
  ['foretype/didExtend'] = function()
    completer.extended()
  end,
  ['window/showMessage'] = function(_, params)
    status.say(params.message, LEVELS[params.type] or vim.log.levels.INFO)
    -- NB: Some versions pass it on.
    return params
  end,
}

--- Starts the server again for the buffers of one that has ended.
---@param ended lsp.ClientConfig|vim.lsp.ClientConfig
---@param buffers integer[]
local function start_again(ended, buffers)
  for _, bufnr in ipairs(buffers) do
    if api.nvim_buf_is_loaded(bufnr) then
      vim.lsp.start(ended, { bufnr = bufnr, reuse_client = M.is_reusable })
    end
  end
end

---@param client vim.lsp.Client
---@return boolean
local function was_stopped(client)
  return vim.v.exiting ~= vim.NIL or client._is_stopping == true
end

---@param code integer
---@param signal integer
---@param client_id integer
local function on_exit(code, signal, client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  vim.schedule(function()
    status.set(nil)
  end)
  if not client or (code == 0 and signal == 0) then
    return
  end
  local buffers = vim.tbl_keys(client.attached_buffers)
  local now_s = vim.uv.hrtime() / 1e9
  crashes = vim.tbl_filter(function(at_s)
    return now_s - at_s < CRASH_SPAN_S
  end, crashes)
  crashes[#crashes + 1] = now_s
  vim.schedule(function()
    if was_stopped(client) then
      return
    end
    if #crashes > MAX_CRASHES then
      local message =
        'Foretype: the server has ended %d times; see :Foretype log, :Foretype restart'
      status.say(message:format(#crashes), vim.log.levels.ERROR)
      return
    end
    vim.defer_fn(function()
      start_again(client.config, buffers)
    end, FIRST_DELAY_MS * 2 ^ (#crashes - 1))
  end)
end

--- One server serves every folder: with the built-in model, a second one would load it
--- again.
---@param client vim.lsp.Client
---@return boolean
function M.is_reusable(client)
  return client.name == M.NAME and not rpc.is_stopped(client)
end

--- What Neovim's LSP client is told of the server.
---@return vim.lsp.ClientConfig
function M.config()
  return {
    name = M.NAME,
    cmd = config.current.cmd,
    filetypes = config.current.filetypes,
    settings = { foretype = config.current.settings },
    -- The brackets behind the cursor that a suggestion closes are replaced with it.
    init_options = { editor = { rangeEnd = 'rest' } },
    handlers = handlers,
    reuse_client = M.is_reusable,
    before_init = function(params, client_config)
      status.reset()
      -- Neovim's own module does not ask again when there is more.
      local native = vim.lsp.inline_completion
      local experimental = { foretype = { didExtend = not (native and native.is_enabled()) } }
      local ours = { experimental = experimental }
      params.capabilities = vim.tbl_deep_extend('force', params.capabilities, ours)
      client_config.capabilities = params.capabilities
    end,
    on_init = rpc.note_stop,
    on_exit = on_exit,
    root_dir = function(bufnr, on_dir)
      on_dir(root(bufnr))
    end,
  }
end

--- Suggests in a buffer that the server has been attached to.
---@param client vim.lsp.Client
---@param bufnr integer
function M.attached(client, bufnr)
  add_folder(client, bufnr)
  completer.attach(client, bufnr)
end

--- Starts the server for a buffer, where `vim.lsp.enable` is not there to do it.
---@param bufnr integer
function M.start(bufnr)
  local filetypes = config.current.filetypes
  if
    vim.bo[bufnr].buftype ~= ''
    or (filetypes and not vim.tbl_contains(filetypes, vim.bo[bufnr].filetype))
    or not is_there(config.current.cmd)
  then
    return
  end
  local client_config = M.config()
  client_config.root_dir = root(bufnr)
  vim.lsp.start(client_config, { bufnr = bufnr, reuse_client = M.is_reusable })
end

---@return vim.lsp.Client[]
function M.running()
  return vim.lsp.get_clients({ name = M.NAME })
end

--- Ends the server and starts it again, for the buffers it was there for.
function M.restart()
  crashes = {}
  has_told_missing = false
  local running = M.running()
  if #running == 0 then
    for _, bufnr in ipairs(api.nvim_list_bufs()) do
      if api.nvim_buf_is_loaded(bufnr) then
        api.nvim_exec_autocmds('FileType', { buffer = bufnr, modeline = false })
      end
    end
    return
  end
  for _, client in ipairs(running) do
    local buffers = vim.tbl_keys(client.attached_buffers)
    rpc.stop(client)
    local timer = assert(vim.uv.new_timer())
    timer:start(
      20,
      20,
      vim.schedule_wrap(function()
        if rpc.is_stopped(client) and not timer:is_closing() then
          timer:close()
          start_again(client.config, buffers)
        end
      end)
    )
  end
end

return M
