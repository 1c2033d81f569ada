// Whether each key comes behind another of its row, in the order of rank.wgsl. Its random number draws a place: below 0 says yes, from
// COLUMNS - 1 on says no, and those between point to one of the row's others. COLUMNS is generated; random.wgsl stands beside this.

struct Params {
  count: u32, // keys
  first: u32, // index in the tensor of the first, in groups of four
  key0: u32,
  key1: u32,
  least: f32,
  per: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> marks: array<f32>;

fn outranks(i: u32, place: f32) -> f32 {
  if (place < 0.0) { return 1.0; }
  if (place >= f32(COLUMNS - 1u)) { return 0.0; }
  let row = i / COLUMNS * COLUMNS;
  let others = row + u32(place);
  let other = others + u32(others >= i);
  let mine = keys[i] & 0x7fffffffu;
  let its = keys[other] & 0x7fffffffu;
  return f32(its < mine || (its == mine && other < i));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) place: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = (place.y * grid.x + place.x) * 64u + lane;
  if (group * 4u >= params.count) { return; }
  let places = (uniform_random(params.key0, params.key1, group) - params.least) * params.per;
  for (var k = 0u; k < 4u; k++) {
    let i = group * 4u + k;
    if (i < params.count) { marks[i] = outranks(i, places[k]); }
  }
}
