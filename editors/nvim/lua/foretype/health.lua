--- `:checkhealth foretype`: what is missing for a first suggestion.

local client = require('foretype.client')
local place = require('foretype.place')
local config = require('foretype.config')
local status = require('foretype.status')

local M = {}

-- Two of them at once draw over each other.
local OTHERS = { 'copilot', 'supermaven-nvim', 'minuet', 'neocodeium', 'codeium', 'tabnine' }

---@return boolean is_found
local function check_program()
  vim.health.start('The server')
  local cmd = client.command()
  if vim.fn.executable(cmd[1]) == 0 then
    vim.health.error(('there is no program %q'):format(cmd[1]), {
      'Install it in a clone: python3 -m venv .venv && .venv/bin/pip install ".[local]"',
      "Say where it is: require('foretype').setup{ cmd = { '~/foretype/.venv/bin/foretype' } }",
    })
    return false
  end
  local result = vim.system(client.program({ '--version' }), { text = true }):wait(10000)
  if result.code ~= 0 then
    vim.health.error(('%s does not run: %s'):format(cmd[1], vim.trim(result.stderr or '')))
    return false
  end
  vim.health.ok(('%s at %s'):format(vim.trim(result.stdout), vim.fn.exepath(cmd[1])))
  return true
end

local function check_running()
  local running = client.running()
  if #running == 0 then
    vim.health.warn('it is not running', {
      "Switch it on: vim.lsp.enable('foretype') or require('foretype').setup()",
      'Open a file; one that has a filetype, as :set filetype? says.',
      'Look into the log: :Foretype log',
    })
    return
  end
  for _, each in ipairs(running) do
    local n_buffers = vim.tbl_count(each.attached_buffers)
    vim.health.ok(('it is running, for %d buffers'):format(n_buffers))
  end
  local current = status.get()
  if not current then
    vim.health.info('it has said nothing of the model yet')
  elseif current.kind == 'Normal' then
    vim.health.ok(current.message)
  else
    vim.health.warn(current.message)
  end
end

local function check_editor()
  vim.health.start('The editor')
  if vim.fn.has('nvim-0.10') == 1 then
    vim.health.ok('Neovim ' .. tostring(vim.version()))
  else
    vim.health.error('Neovim 0.10 or newer is needed')
  end
  if vim.g.foretype_enabled == false then
    vim.health.warn('suggestions are off', { 'Switch them on: :Foretype enable' })
  end
  if #config.current.disabled_filetypes > 0 then
    vim.health.info('off for ' .. table.concat(config.current.disabled_filetypes, ', '))
  end
  for _, each in ipairs(client.running()) do
    for bufnr in pairs(each.attached_buffers) do
      if place.is_native(bufnr, each) then
        vim.health.info(
          'vim.lsp.inline_completion draws the suggestions, as it is enabled: it waits 200 ms '
            .. 'at every key. To have Foretype draw them, disable it for this client '
            .. '(:help foretype-native).'
        )
        break
      end
    end
  end
end

local function check_keys()
  local bound = {}
  for _, mapping in ipairs(vim.api.nvim_get_keymap('i')) do
    if (mapping.desc or ''):find('Foretype', 1, true) or (mapping.rhs or ''):find('foretype') then
      bound[#bound + 1] = mapping.lhs
    end
  end
  if #bound > 0 then
    vim.health.ok('keys for it: ' .. table.concat(bound, ' '))
  else
    vim.health.info('no mapping says "Foretype" in its description; :help foretype-keys has some')
  end
end

local function check_others()
  local found = vim.tbl_filter(function(name)
    return package.loaded[name] ~= nil
  end, OTHERS)
  if vim.g.loaded_copilot then
    found[#found + 1] = 'copilot.vim'
  end
  if #found > 0 then
    vim.health.warn('other plugins that draw ghost text: ' .. table.concat(found, ', '), {
      'Switch all but one of them off.',
    })
  else
    vim.health.ok('no other plugin that draws ghost text')
  end
end

function M.check()
  if check_program() then
    check_running()
  end
  check_editor()
  check_keys()
  check_others()
end

return M
