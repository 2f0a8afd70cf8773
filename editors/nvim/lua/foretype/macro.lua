--- What was accepted while a macro was recorded, so that it is inserted again when the
--- macro is played.
---
--- A register holds the key that accepts, and when it is played there is no time for any
--- ghost text to come. What each press of that key brought is kept in order.

local api = vim.api

local M = {}

---@class foretype.Insertion
---@field text string
---@field covered string What of the line behind the cursor it replaces.

---@class foretype.Macro
---@field keys string What the register holds.
---@field outcomes (foretype.Insertion|false)[]

local recorded = {} ---@type table<string, foretype.Macro>
local recording = {} ---@type (foretype.Insertion|false)[]
local n_played = {} ---@type table<string, integer>

--- Notes what a press of the key brought; false is nothing.
---@param outcome foretype.Insertion|false
function M.note(outcome)
  if vim.fn.reg_recording() ~= '' then
    recording[#recording + 1] = outcome
  end
end

--- What this press of the key is to bring, while a macro is played.
---@return foretype.Insertion|false|nil outcome Nil where none is played, or none was noted.
function M.replay()
  local register = vim.fn.reg_executing():lower()
  local macro = recorded[register]
  if not macro or #macro.outcomes == 0 or macro.keys ~= vim.fn.getreg(register) then
    return nil
  end
  if not next(n_played) then
    -- A macro that was broken off begins anew the next time.
    api.nvim_create_autocmd('SafeState', {
      once = true,
      callback = function()
        n_played = {}
      end,
    })
  end
  local n = n_played[register] or 0
  n_played[register] = n + 1
  return macro.outcomes[n % #macro.outcomes + 1]
end

---@param group integer
function M.watch(group)
  api.nvim_create_autocmd('RecordingEnter', {
    group = group,
    callback = function()
      recording = {}
    end,
  })
  api.nvim_create_autocmd('RecordingLeave', {
    group = group,
    callback = function()
      local name, outcomes = vim.v.event.regname, recording
      local register = name:lower()
      if name ~= register and recorded[register] then
        -- A capital letter appends.
        outcomes = vim.list_extend(recorded[register].outcomes, outcomes)
      end
      -- The register is written behind this.
      vim.schedule(function()
        recorded[register] = { keys = vim.fn.getreg(register), outcomes = outcomes }
      end)
    end,
  })
end

return M
