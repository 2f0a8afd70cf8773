require "set"

module Shapes
  MAX_SIDES = 12

  # A shape in the plane.
  #
  # It has an area.
  class Shape < Base
    include Drawable
    attr_reader :sides, :name

    def initialize(sides, name: "shape")
      @sides = sides
    end

    # The area, scaled.
    def area(scale = 1.0)
      local = 1
      local * scale
    end

    def self.build(*args, &block)
      new(*args)
    end
  end
end

def draw shape
  puts shape
end
