--- Draws ghost text at a place, in one window, and takes it away again.

local suggestion = require('foretype.suggestion')

local api = vim.api

local M = {}

local namespace = api.nvim_create_namespace('foretype')
-- An anchor outlives what is drawn, and is in every window.
local anchors = api.nvim_create_namespace('foretype.anchor')
local GHOST, HINT = 'ForetypeGhost', 'ForetypeHint'

local drawn_in ---@type integer? The buffer that has something of it.

---@class foretype.Look
---@field hint? string Drawn behind the first line.
---@field is_short? boolean Whether only the first line is drawn.

--- Limits what is drawn to one window: another one on the same buffer shows none of it.
---
--- NB: The functions are experimental; without them it is drawn in all of them.
---@param win integer
---@return table options What the marks need for it.
local function only_in(win)
  if api.nvim__ns_set then
    pcall(api.nvim__ns_set, namespace, { wins = { win } })
  elseif api.nvim__win_add_ns then
    for _, other in ipairs(api.nvim_list_wins()) do
      pcall(api.nvim__win_del_ns, other, namespace)
    end
    if pcall(api.nvim__win_add_ns, win, namespace) then
      return { scoped = true }
    end
  end
  return {}
end

--- A text as the screen shows it: tabs as wide as they are there, no control characters.
---@param text string
---@param column integer Where it begins on the screen.
---@return string
local function visible(text, column)
  if not text:find('%c') then
    return text
  end
  local parts = {}
  for plain, control in text:gmatch('([^%c]*)(%c?)') do
    parts[#parts + 1] = plain
    column = column + vim.fn.strdisplaywidth(plain, column)
    if control == '\t' then
      local width = vim.fn.strdisplaywidth('\t', column)
      parts[#parts + 1] = (' '):rep(width)
      column = column + width
    elseif control ~= '' then
      parts[#parts + 1] = vim.fn.strtrans(control)
      column = column + #vim.fn.strtrans(control)
    end
  end
  return table.concat(parts)
end

--- Breaks a line of the screen where the window would.
---@param chunks [string, string][]
---@param width integer
---@return [string, string][][]
local function wrapped(chunks, width)
  local lines, line, column = {}, {}, 0
  for _, chunk in ipairs(chunks) do
    local part = ''
    for character in chunk[1]:gmatch('[%z\1-\127\194-\244][\128-\191]*') do
      local n_cells = vim.fn.strdisplaywidth(character)
      if column + n_cells > width and column > 0 then
        line[#line + 1] = { part, chunk[2] }
        lines[#lines + 1] = line
        line, part, column = {}, '', 0
      end
      part, column = part .. character, column + n_cells
    end
    line[#line + 1] = { part, chunk[2] }
  end
  lines[#lines + 1] = line
  return lines
end

---@param win integer
---@param lines [string, string][][]
---@return table options
local function below(win, lines)
  if #lines == 0 then
    return {}
  end
  if not vim.wo[win].wrap then
    local scrolls = vim.fn.has('nvim-0.11') == 1
    return { virt_lines = lines, virt_lines_overflow = scrolls and 'scroll' or nil }
  end
  local info = vim.fn.getwininfo(win)[1]
  local all = {}
  for _, line in ipairs(lines) do
    vim.list_extend(all, wrapped(line, math.max(1, info.width - info.textoff)))
  end
  return { virt_lines = all }
end

---@class foretype.Mark
---@field at integer How many bytes behind the cursor.
---@field options table

---@param chunks [string, string][]
---@param look foretype.Look
---@param n_below integer How many more lines there are.
---@return [string, string][] chunks With what is said behind the first line.
local function with_hints(chunks, look, n_below)
  if look.is_short and n_below > 0 then
    chunks[#chunks + 1] = { ' …', HINT }
  end
  if look.hint then
    chunks[#chunks + 1] = { ' ' .. look.hint, HINT }
  end
  return chunks
end

--- The first line between what is there: that is pushed aside and not drawn again.
---@param pieces foretype.Piece[]
---@param n_covered integer
---@param column integer
---@param hints [string, string][]
---@return foretype.Mark[]
local function between(pieces, n_covered, column, hints)
  local marks = {}
  for _, piece in ipairs(pieces) do
    local chunks = { { visible(piece.text, column), GHOST } }
    local options = { virt_text = chunks, virt_text_pos = 'inline' }
    marks[#marks + 1] = { at = piece.at, options = options }
  end
  if #hints > 0 then
    local options = { virt_text = hints, virt_text_pos = 'inline' }
    marks[#marks + 1] = { at = n_covered, options = options }
  end
  return marks
end

--- The first line over what is there, which comes again behind the last one.
---@param first string
---@param rest string
---@param column integer
---@param hints [string, string][]
---@return foretype.Mark
local function over(first, rest, column, hints)
  local text = visible(first, column)
  local n_cells = vim.fn.strdisplaywidth(text, column)
  local n_hidden = vim.fn.strdisplaywidth(rest, column) - n_cells
  local chunks = { { text, GHOST } }
  vim.list_extend(chunks, hints)
  if n_hidden > 0 then
    chunks[#chunks + 1] = { (' '):rep(n_hidden), GHOST }
  end
  return { at = 0, options = { virt_text = chunks, virt_text_pos = 'overlay' } }
end

--- Draws what is left of a suggestion at the cursor.
---@param here foretype.Place
---@param left foretype.Left
---@param look foretype.Look
function M.draw(here, left, look)
  M.clear()
  local before, rest = here.line:sub(1, here.col), here.line:sub(here.col + 1)
  local behind = rest:sub(#left.covered + 1)
  local column = vim.fn.strdisplaywidth(before)
  local lines = vim.split(left.text, '\n', { plain = true })
  local first = table.remove(lines, 1)
  local hints = with_hints({}, look, #lines)
  if look.is_short then
    lines = {}
  end
  local drawn = vim.tbl_map(function(line)
    return { { visible(line, 0), GHOST } }
  end, lines)
  local pieces = suggestion.pieces(first, left.covered)
  local marks
  if pieces and (#lines == 0 or not behind:find('%S')) then
    marks = between(pieces, #left.covered, column, hints)
  elseif #lines == 0 then
    marks = between({ { at = 0, text = first } }, 0, column, hints)
  else
    marks = { over(first, rest, column, hints) }
    table.insert(drawn[#drawn], { visible(behind, 0), 'Normal' })
  end
  marks[#marks + 1] = #drawn > 0 and { at = 0, options = below(here.win, drawn) } or nil
  local shared = vim.tbl_extend('force', only_in(here.win), { hl_mode = 'replace' })
  for _, mark in ipairs(marks) do
    local options = vim.tbl_extend('force', shared, mark.options)
    api.nvim_buf_set_extmark(here.bufnr, namespace, here.row, here.col + mark.at, options)
  end
  drawn_in = here.bufnr
end

function M.clear()
  if drawn_in and api.nvim_buf_is_valid(drawn_in) then
    api.nvim_buf_clear_namespace(drawn_in, namespace, 0, -1)
  end
  drawn_in = nil
end

--- Remembers a place, which moves with the text around it and stays before what is
--- typed there.
---@param here foretype.Place
---@return integer mark
function M.anchor(here)
  api.nvim_buf_clear_namespace(here.bufnr, anchors, 0, -1)
  return api.nvim_buf_set_extmark(here.bufnr, anchors, here.row, here.col, {
    right_gravity = false,
  })
end

---@param bufnr integer
---@param mark integer
---@return integer? row Nil where it is gone.
---@return integer col
function M.anchored(bufnr, mark)
  local at = api.nvim_buf_get_extmark_by_id(bufnr, anchors, mark, {})
  return at[1], at[2]
end

return M
