// Whether each key comes behind another of its row, in the order of rank.wgsl: a place below 0 says yes, one from COLUMNS - 1 on says
// no, and those between point to one of the row's others. COLUMNS is generated.

struct Params {
  count: u32, // keys
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> places: array<f32>;
@group(0) @binding(3) var<storage, read_write> marks: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) place: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (place.y * grid.x + place.x) * 64u + lane;
  if (i >= params.count) { return; }
  let at = places[i];
  var mark = f32(at < 0.0);
  if (at >= 0.0 && at < f32(COLUMNS - 1u)) {
    let row = i / COLUMNS * COLUMNS;
    let others = row + u32(at);
    let other = others + u32(others >= i);
    let mine = keys[i] & 0x7fffffffu;
    let its = keys[other] & 0x7fffffffu;
    mark = f32(its < mine || (its == mine && other < i));
  }
  marks[i] = mark;
}
