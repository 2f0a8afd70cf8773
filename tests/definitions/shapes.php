<?php

namespace App\Shapes;

use App\Base;

const MAX_SIDES = 12;

/**
 * A shape in the plane.
 */
abstract class Shape extends Base implements Drawable
{
    public const SIDES = 4;
    private array $names = [];

    public function __construct(private int $sides)
    {
    }

    /** The area, scaled. */
    public function area(float $scale = 1.0): float
    {
        $local = 1;
        return $scale;
    }

    abstract protected static function draw(): void;
}

interface Drawable
{
    public function draw(int $widthPx): void;
}

trait Named
{
    public string $name;
}

enum Colour: string
{
    case Red = 'red';
}

function draw(Shape $shape, int ...$sizes): void
{
}
