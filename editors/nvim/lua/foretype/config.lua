--- What a person has set, by `setup` or by variables.

local M = {}

---@class foretype.Config
---@field cmd string[] The command that starts the server.
---@field filetypes? string[] Where it is started; nil is everywhere.
---@field disabled_filetypes string[] Where nothing is suggested.
---@field root_markers string[] What a project's folder is told by.
---@field settings table The server's settings (docs/settings.md), in camelCase.

---@class foretype.Options
---@field cmd? string[]
---@field filetypes? string[]
---@field disabled_filetypes? string[]
---@field root_markers? string[]
---@field settings? table

---@type foretype.Config
M.current = {
  cmd = { 'foretype', '--stdio' },
  filetypes = nil,
  disabled_filetypes = {},
  root_markers = { '.git', '.hg', 'pyproject.toml', 'package.json', 'Cargo.toml', 'go.mod' },
  -- NB: An empty table would go out as a list.
  settings = vim.empty_dict(),
}

local TYPES = {
  cmd = 'table',
  filetypes = 'table',
  disabled_filetypes = 'table',
  root_markers = 'table',
  settings = 'table',
}

--- Takes options over; what is wrong is left out.
---@param options foretype.Options
---@return string[] problems
function M.set(options)
  local problems = {}
  for name, value in pairs(options) do
    local wanted = TYPES[name]
    if not wanted then
      local known = vim.tbl_keys(TYPES)
      table.sort(known)
      local names = table.concat(known, ', ')
      problems[#problems + 1] = ('setup has no option %q; there are %s'):format(name, names)
    elseif type(value) ~= wanted then
      problems[#problems + 1] = ('setup: %s must be a %s, not a %s'):format(
        name,
        wanted,
        type(value)
      )
    else
      M.current[name] = value
    end
  end
  M.current.cmd[1] = vim.fs.normalize(M.current.cmd[1])
  table.sort(problems)
  return problems
end

---@alias foretype.Scope 'everywhere' | 'filetype' | 'buffer'

--- Switches suggestions on or off.
---@param is_on boolean
---@param scope foretype.Scope
function M.switch(is_on, scope)
  if scope == 'buffer' then
    vim.b.foretype_enabled = is_on
  elseif scope == 'filetype' then
    local filetype = vim.bo.filetype
    M.current.disabled_filetypes = vim.tbl_filter(function(other)
      return other ~= filetype
    end, M.current.disabled_filetypes)
    if not is_on then
      table.insert(M.current.disabled_filetypes, filetype)
    end
  else
    vim.g.foretype_enabled = is_on
  end
end

--- Why nothing is suggested in a buffer, as far as settings say so.
---@param bufnr integer
---@return string? reason
function M.off(bufnr)
  local of_buffer = vim.b[bufnr].foretype_enabled
  if of_buffer == false then
    return 'it is off in this buffer; `:Foretype enable buffer` switches it on'
  elseif of_buffer == true then
    return nil
  elseif vim.g.foretype_enabled == false then
    return 'it is off; `:Foretype enable` switches it on'
  elseif vim.tbl_contains(M.current.disabled_filetypes, vim.bo[bufnr].filetype) then
    return ('it is off for %s; `:Foretype enable filetype` switches it on'):format(
      vim.bo[bufnr].filetype
    )
  end
end

return M
