local Base = require("base")

local M = {}

local MAX_SIDES = 12

-- Draws a shape.
-- @param shape the shape
function M.draw(shape, width)
  local inner = function() end
end

--- The area, scaled.
function Shape:area(scale)
  return scale
end

local function helper(x)
  return x
end

M.twice = function(x)
  return x * 2
end

local later = function(done)
  done()
end

return M
