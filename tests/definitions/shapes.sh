#!/usr/bin/env bash

readonly MAX_SIDES=12
export ORIGIN="0,0"
name=shape

# Draws a shape.
# $1: its name
draw() {
  local width=$1
  echo "$width"
}

function area {
  echo "$((1 * 2))"
}
