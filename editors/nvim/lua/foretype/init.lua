--- Foretype: AI completions as ghost text while you type. See `:help foretype`.

local M = {}

--- Options are optional, and so is calling this: `vim.lsp.enable('foretype')` is enough
--- from Neovim 0.11 on.
---@param options? foretype.Options
function M.setup(options)
  local config = require('foretype.config')
  local status = require('foretype.status')
  local problems = config.set(options or {})
  if #problems > 0 then
    status.say('Foretype: ' .. table.concat(problems, '\n'), vim.log.levels.ERROR)
  end
  local client = require('foretype.client')
  if vim.lsp.enable then
    vim.lsp.config(client.NAME, client.config())
    vim.lsp.enable(client.NAME)
    return
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('foretype.start', {}),
    callback = function(event)
      client.start(event.buf)
    end,
  })
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(bufnr) and vim.bo[bufnr].filetype ~= '' then
      client.start(bufnr)
    end
  end
end

--- Inserts the suggestion.
---@return boolean is_accepted False where none is on the screen.
function M.accept()
  return require('foretype.accept').accept('all')
end

--- Inserts its next word.
---@return boolean is_accepted
function M.accept_word()
  return require('foretype.accept').accept('word')
end

--- Inserts the rest of its line.
---@return boolean is_accepted
function M.accept_line()
  return require('foretype.accept').accept('line')
end

--- Shows the next suggestion for the same place.
---@return boolean is_possible False where nothing can be suggested.
function M.next()
  return require('foretype.completer').cycle(1)
end

--- Shows the previous one.
---@return boolean is_possible
function M.previous()
  return require('foretype.completer').cycle(-1)
end

--- Takes the suggestion off the screen.
---@return boolean was_shown
function M.dismiss()
  return require('foretype.completer').dismiss()
end

--- Asks for a suggestion, also where none comes by itself.
---@return boolean was_asked
function M.trigger()
  return require('foretype.completer').trigger()
end

--- Whether a suggestion is on the screen.
---@return boolean
function M.is_visible()
  return require('foretype.completer').current() ~= nil
end

--- A mapping that does something with a suggestion, or else what the key does without it.
---
---     vim.keymap.set('i', '<Tab>', foretype.or_key(foretype.accept, '<Tab>'))
---@param action fun(): boolean
---@param key string
---@return fun()
function M.or_key(action, key)
  local keys = vim.keycode(key)
  return function()
    if not action() then
      vim.api.nvim_feedkeys(keys, 'in', false)
    end
  end
end

--- What the server said of itself last; nil where none runs.
---@return foretype.Status?
function M.status()
  return require('foretype.status').get()
end

--- A component for a status line: empty where Foretype is not in a buffer.
---@return string
function M.statusline()
  local bufnr = vim.api.nvim_get_current_buf()
  if not require('foretype.place').client(bufnr) then
    return ''
  elseif require('foretype.config').off(bufnr) then
    return 'Foretype: off'
  end
  local state = require('foretype.status').state()
  return (not state or state == 'ready') and 'Foretype' or 'Foretype: ' .. state
end

return M
