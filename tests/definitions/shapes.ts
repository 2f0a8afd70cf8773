/** A point in the plane. */
export interface Point {
  x: number;
  y: number;
}

export type Pair<T> = [T, T];

export enum Colour {
  Red,
  Green = "green",
}

export const ORIGIN: Point = { x: 0, y: 0 };

// What every shape can do.
export abstract class Shape<T extends Point> implements Drawable {
  private readonly sides: number;
  static count = 0;

  constructor(private origin: Point) {}

  abstract area(scale: number): number;

  /** Moves it. */
  @logged()
  public async move(by: Point): Promise<void> {
    await this.draw();
  }
}

export function draw(shape: Shape<Point>, widthPx?: number): void {
  return;
}

export const twice = async (x: number): Promise<number> => {
  return x * 2;
};

declare function external(name: string): void;

namespace Inner {
  export function hidden(): void {}
}
