//! Shapes.

/// The most sides there are.
pub const MAX_SIDES: usize = 12;
static ORIGIN: Point = Point { x: 0.0, y: 0.0 };

/// A point in the plane.
///
/// It is flat.
#[derive(Debug, Clone)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

pub enum Colour {
    Red,
    Green(u8),
}

pub type Pair<T> = (T, T);

/// What every shape can do.
pub trait Shape {
    const SIDES: usize;
    fn area(&self, scale: f64) -> f64;
    fn name(&self) -> String {
        String::new()
    }
}

impl<T: Copy> Shape for Circle<T> {
    /// The area, scaled.
    fn area(&self, scale: f64) -> f64 {
        fn helper() {}
        scale
    }
}

pub async fn draw<'a, T>(shape: &'a T, width_px: u32) -> Result<(), Error>
where
    T: Shape,
{
    Ok(())
}

macro_rules! shapes {
    () => {};
}

mod inner {
    pub(crate) fn hidden() {}
}
