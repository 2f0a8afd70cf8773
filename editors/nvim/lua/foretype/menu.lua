--- Whether a menu of completions is open, whoever draws it.

local M = {}

local on_change ---@type fun()?
local hears_of_cmp = false

--- Has nvim-cmp tell of its menu, once it is there: it may be loaded at any time.
---@param cmp table
local function hear_of(cmp)
  if hears_of_cmp or not on_change or not cmp.event then
    return
  end
  hears_of_cmp = true
  cmp.event:on('menu_opened', on_change)
  cmp.event:on('menu_closed', on_change)
end

---@return boolean
function M.is_open()
  if vim.fn.pumvisible() == 1 then
    return true
  end
  -- NB: Only what is loaded already: asking must not load a plugin.
  local blink = package.loaded['blink.cmp']
  if blink and blink.is_menu_visible and blink.is_menu_visible() then
    return true
  end
  local cmp = package.loaded['cmp']
  if not cmp or not cmp.visible then
    return false
  end
  hear_of(cmp)
  return cmp.visible() and true or false
end

--- Calls back whenever a menu has opened, changed or closed.
---@param group integer
---@param changed fun()
function M.watch(group, changed)
  on_change = vim.schedule_wrap(changed)
  vim.api.nvim_create_autocmd({ 'CompleteChanged', 'CompleteDone' }, {
    group = group,
    callback = on_change,
  })
  vim.api.nvim_create_autocmd('User', {
    group = group,
    pattern = { 'BlinkCmpMenuOpen', 'BlinkCmpMenuClose' },
    callback = on_change,
  })
end

return M
