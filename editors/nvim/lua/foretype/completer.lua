--- Asks for suggestions while a person types, and keeps the one on the screen up to date.

local macro = require('foretype.macro')
local menu = require('foretype.menu')
local place = require('foretype.place')
local position = require('foretype.position')
local rpc = require('foretype.rpc')
local screen = require('foretype.screen')

local api = vim.api

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local INVOKED, AUTOMATIC = 1, 2
-- A cursor that only moves is asked for once it rests; typing never waits.
local REST_MS = 150

---@class foretype.Asked A request that is not answered yet.
---@field client vim.lsp.Client
---@field request_id? integer
---@field has_grown boolean Whether there is more than what it will be answered with.

local asked ---@type foretype.Asked?
local seen ---@type foretype.Place? What was handled last.
local timer ---@type uv.uv_timer_t?

local function cancel()
  if asked and asked.request_id then
    rpc.cancel(asked.client, asked.request_id)
  end
  asked = nil
  if timer and not timer:is_closing() then
    timer:close()
  end
  timer = nil
end

--- Takes everything off the screen and asks for nothing more.
local function stop()
  cancel()
  screen.hide()
  seen = nil
end

local ask

---@param here foretype.Place
---@param kind integer
---@param index? integer Which of the items is wanted; the first by default.
function ask(here, kind, index)
  cancel()
  local request = { client = here.client, has_grown = false } ---@type foretype.Asked
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(here.bufnr) },
    position = {
      line = here.row,
      character = position.units(here.line, here.col, here.client.offset_encoding),
    },
    context = { triggerKind = kind },
  }
  asked = request
  request.request_id = rpc.request(here.client, METHOD, params, function(err, result)
    if asked ~= request then
      return
    end
    asked = nil
    local now = place.here()
    if now and not place.is_same(now, here) then
      -- What has changed the text, such as a snippet, has not told of it.
      return M.refresh()
    end
    -- An error says that there is nothing new: what is on the screen stays.
    if err or not now then
      return
    end
    screen.show(now, result and (result.items or result) or {}, index or 1)
    if request.has_grown and not screen.is_empty() then
      ask(now, AUTOMATIC)
    end
  end, here.bufnr)
end

--- Asks once nothing has happened for a while.
local function ask_at_rest()
  cancel()
  local mine
  mine = vim.defer_fn(function()
    -- NB: One that was closed too late to be stopped comes here as well.
    if timer ~= mine then
      return
    end
    timer = nil
    local here = place.here()
    if here and place.is_same(here, seen) then
      ask(here, AUTOMATIC)
    end
  end, REST_MS)
  timer = mine
end

--- Brings what is on the screen up to date with the text and the cursor.
function M.refresh()
  local here = place.here()
  if not here then
    return stop()
  end
  if place.is_same(here, seen) then
    return
  end
  local has_changed = not seen or seen.bufnr ~= here.bufnr or seen.tick ~= here.tick
  seen = here
  screen.draw(here)
  if has_changed then
    ask(here, AUTOMATIC)
  else
    ask_at_rest()
  end
end

--- Draws the same again, where something else on the screen has changed.
local function redraw()
  local here = not screen.is_empty() and place.here()
  if here then
    screen.draw(here)
  end
end

---@class foretype.Current What a key can accept now.
---@field place foretype.Place
---@field left foretype.Left
---@field item lsp.InlineCompletionItem

---@return foretype.Current? current Nil where nothing is on the screen.
function M.current()
  local here = not screen.is_empty() and place.here()
  local left = here and screen.left(here)
  return left and { place = here, left = left, item = screen.item() } or nil
end

--- Tells the server what was accepted, once the text is in the document.
---@param current foretype.Current
---@param text string What was accepted of it.
function M.accepted(current, text)
  local client, item = current.place.client, current.item
  if text == current.left.text then
    screen.hide()
    if item.command then
      local params = { command = item.command.command, arguments = item.command.arguments }
      rpc.request(client, 'workspace/executeCommand', params, function() end, current.place.bufnr)
    end
    return
  end
  -- The change goes out with the next request.
  M.refresh()
  local whole = screen.whole(item)
  local n_bytes = #whole - #current.left.text + #text
  rpc.notify(client, 'textDocument/didPartiallyAcceptCompletion', {
    item = item,
    acceptedLength = position.units(whole, n_bytes, 'utf-16'),
  })
end

--- Takes the suggestion off the screen until something is typed.
---@return boolean was_shown
function M.dismiss()
  local was_shown = M.current() ~= nil
  cancel()
  screen.hide()
  return was_shown
end

--- Asks by hand, where nothing would be suggested by itself as well.
---@return boolean was_asked
function M.trigger()
  local here = place.here()
  if not here then
    return false
  end
  seen = here
  ask(here, INVOKED)
  return true
end

--- Shows another suggestion for the same place; asks for more where there is only one.
---@param step integer
---@return boolean is_possible
function M.cycle(step)
  local current = M.current()
  if not current then
    return M.trigger()
  end
  if not screen.cycle(current.place, step) then
    ask(current.place, INVOKED, 1 + step)
  end
  return true
end

--- The server has more of what it suggested last.
function M.extended()
  if asked then
    -- NB: Neovim handles a notification before the answer that it came behind.
    asked.has_grown = true
    return
  end
  local here = not screen.is_empty() and place.here()
  if here then
    ask(here, AUTOMATIC)
  end
end

local group ---@type integer?

---@return integer
local function watch()
  local made = api.nvim_create_augroup('foretype.completer', {})
  api.nvim_create_autocmd('ModeChanged', {
    group = made,
    callback = function()
      local event = vim.v.event
      local was_insert = event.old_mode:sub(1, 1) == 'i'
      local is_insert = event.new_mode:sub(1, 1) == 'i'
      if was_insert and not is_insert then
        -- NB: CTRL-C leaves without InsertLeave.
        stop()
      elseif is_insert and not was_insert then
        M.refresh()
      end
    end,
  })
  api.nvim_create_autocmd({ 'WinLeave', 'BufLeave' }, { group = made, callback = stop })
  api.nvim_create_autocmd({ 'WinResized', 'VimResized' }, { group = made, callback = redraw })
  menu.watch(made, redraw)
  macro.watch(made)
  return made
end

--- Tells the server which document a person looks at.
---@param bufnr integer
local function tell_focus(bufnr)
  local client = place.client(bufnr)
  if client then
    local uri = vim.uri_from_bufnr(bufnr)
    rpc.notify(client, 'textDocument/didFocus', { textDocument = { uri = uri } })
  end
end

--- Suggests in a buffer from now on.
---@param client vim.lsp.Client
---@param bufnr integer
function M.attach(client, bufnr)
  group = group or watch()
  place.set_client(bufnr, client)
  api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  api.nvim_create_autocmd({ 'CursorMovedI', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      M.refresh()
    end,
  })
  api.nvim_create_autocmd('BufEnter', {
    group = group,
    buffer = bufnr,
    callback = function()
      tell_focus(bufnr)
    end,
  })
  if api.nvim_get_current_buf() == bufnr then
    tell_focus(bufnr)
    M.refresh()
  end
end

--- Suggests in a buffer no more, unless another client has taken over.
---@param bufnr integer
---@param client_id integer
function M.detach(bufnr, client_id)
  if not place.has_client(bufnr, client_id) then
    return
  end
  place.set_client(bufnr, nil)
  if group and api.nvim_buf_is_valid(bufnr) then
    api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  end
  if api.nvim_get_current_buf() == bufnr then
    stop()
  end
end

return M
