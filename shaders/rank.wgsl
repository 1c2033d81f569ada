// How many of its row come before each key, in ascending order of magnitude bits and then of index: every key is
// compared with all of its row, which passes through workgroup memory 256 at a time. COLUMNS is generated.

struct Params {
  groups: u32, // workgroups that have work
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> ranks: array<f32>;

var<workgroup> shelf: array<vec4<u32>, 64>;

// Past the row there is nothing that comes before anything.
fn key(row: u32, i: u32) -> u32 {
  if (i >= COLUMNS) { return 0xffffffffu; }
  return keys[row * COLUMNS + i] & 0x7fffffffu;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) place: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let id = place.y * grid.x + place.x;
  if (id >= params.groups) { return; }
  let across = (COLUMNS + 63u) / 64u;
  let row = id / across;
  let i = (id % across) * 64u + lane;
  let own = key(row, i);
  var before = vec4<u32>(0u);
  for (var start = 0u; start < COLUMNS; start += 256u) {
    let j = start + lane * 4u;
    workgroupBarrier();
    shelf[lane] = vec4<u32>(key(row, j), key(row, j + 1u), key(row, j + 2u), key(row, j + 3u));
    workgroupBarrier();
    let filled = min(64u, (COLUMNS - start + 3u) / 4u);
    for (var k = 0u; k < filled; k++) {
      // An equal key counts where its index is lower: there the bar is one higher.
      let earlier = vec4<u32>(start + k * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(i);
      let bar = vec4<u32>(own) + select(vec4<u32>(0u), vec4<u32>(1u), earlier);
      before += select(vec4<u32>(0u), vec4<u32>(1u), shelf[k] < bar);
    }
  }
  if (i < COLUMNS) { ranks[row * COLUMNS + i] = f32(before.x + before.y + before.z + before.w); }
}
