import { Base } from "./base.js";

/**
 * The most sides there are.
 */
export const MAX_SIDES = 12;

// A shape in the plane.
export class Shape extends Base {
  static count = 0;
  #secret = 1;

  constructor(sides) {
    super();
    this.sides = sides;
  }

  /** The area, scaled. */
  area(scale = 1) {
    const local = () => 1;
    return local() * scale;
  }
}

// Draws a shape.
export async function draw(shape, { width, height }) {
  function helper() {}
  const inner = 2;
}

const twice = (x) => x * 2;
export default function main() {}
exports.later = function (done) {
  done();
};
