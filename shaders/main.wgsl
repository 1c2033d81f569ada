// One workgroup of 256 sweeps one block of 4096 elements, four at a time: in each of four turns the
// workgroup covers 1024 consecutive elements. `sweep` and `settle` are generated for the program.

const WIDTH = 256u;
const TURNS = 4u;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) place: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = place.y * grid.x + place.x;
  if (block >= params.blocks) { return; }
  for (var turn = 0u; turn < TURNS; turn++) {
    let group = (block * TURNS + turn) * WIDTH + lane;
    let index = group * 4u;
    if (index < params.count) {
      sweep(group, index, vec4<u32>(params.count - index) > vec4<u32>(0u, 1u, 2u, 3u));
    }
  }
  settle(lane, block);
}
