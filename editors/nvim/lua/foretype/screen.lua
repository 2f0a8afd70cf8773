--- The suggestions for the place of the cursor, one of which is on the screen.

local ghost = require('foretype.ghost')
local menu = require('foretype.menu')
local position = require('foretype.position')
local rpc = require('foretype.rpc')
local suggestion = require('foretype.suggestion')

local api = vim.api

local M = {}

---@class foretype.Shown
---@field bufnr integer
---@field mark integer Where it was suggested.
---@field before string The line before that place.
---@field rest string The line behind it.
---@field suggestions foretype.Suggestion[]
---@field index integer
---@field is_cycled boolean Whether another one than the first was wanted.

local shown ---@type foretype.Shown?
local told_id ---@type integer? The last item that the server knows to be shown.

--- What is left of the suggestion on the screen, at a place.
---@param here foretype.Place
---@return foretype.Left? left
---@return string typed What was typed of it.
function M.left(here)
  if not shown or shown.bufnr ~= here.bufnr then
    return nil, ''
  end
  local row, col = ghost.anchored(here.bufnr, shown.mark)
  if not row or row > here.row or (row == here.row and col > here.col) then
    return nil, ''
  end
  local lines = api.nvim_buf_get_text(here.bufnr, row, 0, here.row, here.col, {})
  local text = table.concat(lines, '\n')
  if text:sub(1, col) ~= shown.before then
    return nil, ''
  end
  local typed, rest = text:sub(col + 1), here.line:sub(here.col + 1)
  return suggestion.left(shown.suggestions[shown.index], typed, shown.rest, rest), typed
end

function M.hide()
  shown = nil
  ghost.clear()
end

---@return boolean
function M.is_empty()
  return shown == nil
end

--- The suggestion on the screen, as the server sent it.
---@return lsp.InlineCompletionItem
function M.item()
  return shown.suggestions[shown.index].item
end

--- Draws what is left of the suggestion; takes it away where it does not go on.
---@param here foretype.Place
function M.draw(here)
  local left = M.left(here)
  if not left then
    return M.hide()
  end
  local n = #shown.suggestions
  ghost.draw(here, left, {
    hint = shown.is_cycled and ('(%d/%d)'):format(shown.index, n) or nil,
    is_short = menu.is_open(),
  })
end

--- Tells the server what is shown, so that it can ask for what comes after it.
---@param here foretype.Place
local function tell(here)
  local item = M.item()
  local id = item.command and item.command.arguments and item.command.arguments[1]
  if id and id ~= told_id then
    told_id = id
    rpc.notify(here.client, 'textDocument/didShowCompletion', { item = item })
  end
end

--- The text of an item, whichever form it has.
---@param item lsp.InlineCompletionItem
---@return string
function M.whole(item)
  return type(item.insertText) == 'table' and item.insertText.value or item.insertText
end

--- An item of an answer, as it is at the cursor.
---@param item lsp.InlineCompletionItem
---@param here foretype.Place
---@return foretype.Suggestion?
local function at_cursor(item, here)
  local text = M.whole(item):gsub('\r\n', '\n')
  local first, last = here.col, here.col
  if item.range then
    local start, stop = item.range.start, item.range['end']
    if start.line ~= here.row or stop.line ~= here.row then
      return nil
    end
    first = position.bytes(here.line, start.character, here.client.offset_encoding)
    last = position.bytes(here.line, stop.character, here.client.offset_encoding)
  end
  -- It may begin with what is before the cursor.
  local again = here.line:sub(first + 1, here.col)
  if first > here.col or last < here.col or not vim.startswith(text, again) then
    return nil
  end
  text = text:sub(#again + 1)
  if text == '' then
    return nil
  end
  return { text = text, covered = here.line:sub(here.col + 1, last), item = item }
end

--- Shows what the server has answered for a place.
---@param here foretype.Place
---@param items lsp.InlineCompletionItem[]
---@param index integer Which of them is wanted; it may be one too many or too few.
function M.show(here, items, index)
  local suggestions = {}
  for _, item in ipairs(items) do
    suggestions[#suggestions + 1] = at_cursor(item, here)
  end
  if #suggestions == 0 then
    return M.hide()
  end
  local mark, before = nil, here.line:sub(1, here.col)
  local left, typed = M.left(here)
  if left and vim.startswith(suggestions[1].text, left.text) then
    -- It goes on from where it was suggested first, so that backspace gets back there.
    mark, before = shown.mark, shown.before
    for _, each in ipairs(suggestions) do
      each.text = typed .. each.text
    end
  end
  shown = {
    bufnr = here.bufnr,
    mark = mark or ghost.anchor(here),
    before = before,
    rest = here.line:sub(here.col + 1),
    suggestions = suggestions,
    index = (index - 1) % #suggestions + 1,
    is_cycled = #suggestions > 1 and index ~= 1,
  }
  M.draw(here)
  tell(here)
end

--- Shows another one of the suggestions.
---@param here foretype.Place
---@param step integer
---@return boolean is_shown False where there is only one.
function M.cycle(here, step)
  local n = #shown.suggestions
  if n == 1 then
    return false
  end
  shown.index = (shown.index - 1 + step) % n + 1
  shown.is_cycled = true
  M.draw(here)
  tell(here)
  return true
end

return M
