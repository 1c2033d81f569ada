// One invocation per column and chunk of 128 rows: every fourth row into one of four accumulators.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) place: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let id = number(grid, place);
  if (id >= params.groups) { return; }
  let across = (params.most + 63u) / 64u;
  let column = (id % across) * 64u + lane;
  if (column >= params.most) { return; }
  let chunk = id / across;
  var some = array<f32, 4>(least(), least(), least(), least());
  var at = column + chunk * 128u * COLUMNS;
  for (var row = 0u; row < 128u && at < params.count; row++) {
    some[row % 4u] = combine(some[row % 4u], values[params.plane + at]);
    at += COLUMNS;
  }
  let all = combine(combine(some[0], some[1]), combine(some[2], some[3]));
  partials[params.result + chunk * params.most + column] = all;
}
