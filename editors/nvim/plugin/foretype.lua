if vim.g.loaded_foretype then
  return
end
vim.g.loaded_foretype = true

local api = vim.api

if vim.fn.has('nvim-0.10') == 0 then
  vim.notify('Foretype needs Neovim 0.10 or newer', vim.log.levels.ERROR)
  return
end

local has_complhint = vim.fn.hlexists('ComplHint') == 1
api.nvim_set_hl(
  0,
  'ForetypeGhost',
  { default = true, link = has_complhint and 'ComplHint' or 'NonText' }
)
api.nvim_set_hl(0, 'ForetypeHint', { default = true, link = 'MoreMsg' })

local group = api.nvim_create_augroup('foretype', {})

---@param event vim.api.keyset.create_autocmd.callback_args
---@return vim.lsp.Client?
local function ours(event)
  local client = vim.lsp.get_client_by_id(event.data.client_id)
  return client and client.name == 'foretype' and client or nil
end

api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    local client = ours(event)
    if client then
      require('foretype.client').attached(client, event.buf)
    end
  end,
})
api.nvim_create_autocmd('LspDetach', {
  group = group,
  callback = function(event)
    if ours(event) then
      require('foretype.completer').detach(event.buf, event.data.client_id)
    end
  end,
})

api.nvim_create_autocmd('FileType', {
  group = group,
  callback = function(event)
    return vim.bo[event.buf].buftype == '' and require('foretype.client').check_program()
  end,
})

api.nvim_create_user_command('Foretype', function(command)
  require('foretype.commands').run(command.fargs)
end, {
  nargs = '*',
  desc = 'Foretype: status, enable, disable, explain, stats, log, restart',
  complete = function(lead, line)
    return require('foretype.commands').complete(lead, line)
  end,
})
