using System;

namespace Shapes
{
    /// <summary>A shape in the plane.</summary>
    [Serializable]
    public abstract class Shape<T> : Base, IDrawable where T : struct
    {
        public const int MaxSides = 12;
        private readonly T[] sides;

        public Shape(T[] sides)
        {
            this.sides = sides;
        }

        public string Name { get; set; } = "shape";

        // The area, scaled.
        public virtual double Area(double scale)
        {
            int local = 1;
            return scale;
        }

        public int Twice(int x) => x * 2;
    }

    public interface IDrawable
    {
        void Draw(int widthPx);
    }

    public enum Colour { Red, Green }

    public record Point(double X, double Y);

    public struct Size
    {
        public int Width;
    }

    public delegate void Handler(object sender);
}
