--- Between bytes, which Neovim counts in, and the units of a language server's positions.

local M = {}

---@param line string
---@param n_bytes integer
---@param encoding string
---@return integer n_units
function M.units(line, n_bytes, encoding)
  if encoding == 'utf-8' then
    return n_bytes
  end
  if vim.fn.has('nvim-0.11') == 1 then
    return vim.str_utfindex(line, encoding, n_bytes, false)
  end
  local n_utf32, n_utf16 = vim.str_utfindex(line, math.min(n_bytes, #line))
  return encoding == 'utf-32' and n_utf32 or n_utf16
end

---@param line string
---@param n_units integer
---@param encoding string
---@return integer n_bytes
function M.bytes(line, n_units, encoding)
  if encoding == 'utf-8' then
    return n_units
  end
  if vim.fn.has('nvim-0.11') == 1 then
    return vim.str_byteindex(line, encoding, n_units, false)
  end
  local all = M.units(line, #line, encoding)
  return vim.str_byteindex(line, math.min(n_units, all), encoding == 'utf-16')
end

return M
