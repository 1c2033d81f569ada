// What the kernels that reduce a plane of values along an axis see. COLUMNS and `combine` are generated.

struct Params {
  count: u32,   // elements in the tile
  phase: u32,   // the tile's first element modulo COLUMNS
  plane: u32,   // where the values begin
  result: u32,  // where the partials go
  most: u32,    // partials a block may have (rows), partials of a chunk (columns)
  groups: u32,  // workgroups that have work
  zero: u32,    // 0, which the compiler cannot know: see pin()
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

fn number(grid: vec3<u32>, place: vec3<u32>) -> u32 { return place.y * grid.x + place.x; }
