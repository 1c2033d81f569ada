// One workgroup per segment: a row cut at block bounds. Each invocation combines every 64th element, then
// pairs are combined in a tree of fixed shape.

var<workgroup> ladder: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) place: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let id = number(grid, place);
  if (id >= params.groups) { return; }
  let block = id / params.most;
  let row = (params.phase + block * 4096u) / COLUMNS + id % params.most;
  // Counted from the beginning of the tile's first row, so that nothing is negative.
  let start = max(row * COLUMNS, params.phase + block * 4096u);
  let end = min((row + 1u) * COLUMNS, params.phase + min((block + 1u) * 4096u, params.count));
  if (start >= end) { return; }
  var mine = least();
  for (var i = start + lane; i < end; i += 64u) {
    mine = combine(mine, values[params.plane + i - params.phase]);
  }
  ladder[lane] = mine;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { ladder[lane] = combine(ladder[lane], ladder[lane + half]); }
  }
  if (lane == 0u) { partials[params.result + id] = ladder[0]; }
}
