--- Inserts a suggestion, or a part of it.

local completer = require('foretype.completer')
local macro = require('foretype.macro')
local suggestion = require('foretype.suggestion')

local api = vim.api

local M = {}

---@class foretype.Pending
---@field insertion foretype.Insertion
---@field current? foretype.Current

local pending ---@type foretype.Pending?
local INSERT = vim.keycode('<Cmd>lua require("foretype.accept").insert()<CR>')
-- Closes Neovim's own menu and leaves the text as it is.
local CLOSE_MENU = vim.keycode('<C-x><C-z>')

--- Accepts a part of what is on the screen.
---
--- The text goes in as soon as the mapping that called has ended, before any key that was
--- typed since: so it can be called from a mapping with `expr` as well.
---@param part foretype.Part
---@return boolean is_accepted False where there is nothing to accept.
function M.accept(part)
  local replayed = macro.replay()
  if replayed == false then
    return false
  elseif replayed then
    pending = { insertion = replayed }
  else
    local current = completer.current()
    if not current then
      macro.note(false)
      return false
    end
    local left = current.left
    local text = suggestion.beginning(left.text, part)
    local covered = suggestion.covered_by(left.text, left.covered, text)
    pending = { insertion = { text = text, covered = covered }, current = current }
    macro.note(pending.insertion)
  end
  -- NB: At the front of what is typed ahead, and not mapped.
  local keys = vim.fn.pumvisible() == 1 and CLOSE_MENU .. INSERT or INSERT
  api.nvim_feedkeys(keys, 'in', false)
  return true
end

--- What is done from here on is undone by itself.
local function break_undo()
  vim.bo.undolevels = vim.bo.undolevels
end

--- Inserts what `accept` was called for.
function M.insert()
  local accepted = pending
  pending = nil
  if not accepted then
    return
  end
  local text, covered = accepted.insertion.text, accepted.insertion.covered
  break_undo()
  if covered ~= '' then
    local row, col = unpack(api.nvim_win_get_cursor(0))
    if vim.startswith(api.nvim_get_current_line():sub(col + 1), covered) then
      api.nvim_buf_set_text(0, row - 1, col, row - 1, col + #covered, {})
    end
  end
  -- Pasted, because that is not indented or wrapped again, and is repeated by a dot.
  api.nvim_paste(text, false, -1)
  break_undo()
  if accepted.current then
    completer.accepted(accepted.current, text)
  end
end

return M
