--- What a suggestion is where the cursor is now. Text in, text out: nothing here knows
--- the editor.

local M = {}

---@class foretype.Suggestion
---@field text string What goes in where the suggestion was made.
---@field covered string What of the line behind that place the text writes again.
---@field item lsp.InlineCompletionItem

---@class foretype.Left
---@field text string What goes in at the cursor.
---@field covered string What of the line behind the cursor it replaces.

local CHARACTER = '[%z\1-\127\194-\244][\128-\191]*'

---@param text string
---@return string[]
local function characters(text)
  local found = {}
  for character in text:gmatch(CHARACTER) do
    found[#found + 1] = character
  end
  return found
end

---@param text string
---@param needle string
---@param before integer
---@return integer? start The last place before a position, from 1.
local function last(text, needle, before)
  for start = before - #needle, 1, -1 do
    if text:sub(start, start + #needle - 1) == needle then
      return start
    end
  end
end

--- Where the characters of a covered text are in the text that writes them again.
---
--- From the end, so that what the text opens itself is closed by itself: of `f(x), y)`
--- it is the last bracket that stands for the one that is there already.
---@param text string
---@param covered string
---@return integer[]? starts One for each character, from 1; nil where one is missing.
function M.align(text, covered)
  local there = characters(covered)
  local starts = {}
  local before = #text + 1
  for i = #there, 1, -1 do
    local start = last(text, there[i], before)
    if not start then
      return nil
    end
    starts[i], before = start, start
  end
  return starts
end

---@class foretype.Piece
---@field at integer How many bytes behind the cursor it is drawn.
---@field text string

--- The parts of a line that are new, each where it goes between what is there.
---@param line string
---@param covered string
---@return foretype.Piece[]? pieces Nil where they do not fit together.
function M.pieces(line, covered)
  local starts = M.align(line, covered)
  if not starts then
    return nil
  end
  local pieces = {}
  local from, at = 1, 0
  for i, character in ipairs(characters(covered)) do
    pieces[#pieces + 1] = { at = at, text = line:sub(from, starts[i] - 1) }
    from = starts[i] + #character
    at = at + #character
  end
  pieces[#pieces + 1] = { at = at, text = line:sub(from) }
  return vim.tbl_filter(function(piece)
    return piece.text ~= ''
  end, pieces)
end

--- What is left of a suggestion once something was typed.
---@param suggestion foretype.Suggestion
---@param typed string What stands between the place of the suggestion and the cursor.
---@param rest_then string The line behind the place when the suggestion was made.
---@param rest string The line behind the cursor.
---@return foretype.Left? left Nil where the suggestion does not go on.
function M.left(suggestion, typed, rest_then, rest)
  if not vim.startswith(suggestion.text, typed) or #typed >= #suggestion.text then
    return nil
  end
  local text = suggestion.text:sub(#typed + 1)
  local covered = suggestion.covered
  if rest == rest_then then
    return { text = text, covered = covered }
  end
  if typed:find('\n', 1, true) then
    -- Enter has moved a closing bracket to a line of its own.
    return nil
  end
  local more = #rest - #rest_then
  if more < 0 and vim.endswith(rest_then, rest) then
    -- A closing bracket was typed over, or deleted.
    return { text = text, covered = covered:sub(1 - more) }
  end
  if more > 0 and vim.endswith(rest, rest_then) then
    -- A closing bracket was added by itself.
    local all = rest:sub(1, more) .. covered
    return { text = text, covered = M.align(text, all) and all or covered }
  end
  return nil
end

---@alias foretype.Part 'all' | 'word' | 'line'

--- The beginning of a text that is a part of it.
---@param text string
---@param part foretype.Part
---@return string
function M.beginning(text, part)
  if part == 'word' then
    local word = vim.fn.matchstr(text, [[\v^\_s*%(\k+|%(\k@!\S)+)]])
    return word ~= '' and word or text
  elseif part == 'line' then
    return text:match('^\n*[^\n]+') or text
  end
  return text
end

--- How much of what a text covers is covered by its beginning.
---@param text string
---@param covered string
---@param beginning string
---@return string
function M.covered_by(text, covered, beginning)
  if beginning == text then
    return covered
  end
  local n_bytes = 0
  for i, start in ipairs(M.align(text, covered) or {}) do
    if start > #beginning then
      break
    end
    n_bytes = n_bytes + #characters(covered)[i]
  end
  return covered:sub(1, n_bytes)
end

return M
