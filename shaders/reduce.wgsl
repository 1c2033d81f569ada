// Up to four sums over a block: each invocation has added its own sixteen elements, then the
// workgroup adds pairs in a tree of fixed shape, so the result never depends on timing.

var<workgroup> ladder: array<vec4<f32>, 256>;

fn across(a: vec4<f32>) -> f32 { return (a.x + a.y) + (a.z + a.w); }

// Adds where the element exists.
fn within(inside: vec4<bool>, a: vec4<f32>) -> vec4<f32> {
  return bitcast<vec4<f32>>(select(vec4<u32>(0u), bitcast<vec4<u32>>(a), inside));
}

fn fold(lane: u32, mine: vec4<f32>) -> vec4<f32> {
  workgroupBarrier();
  ladder[lane] = mine;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { ladder[lane] += ladder[lane + half]; }
  }
  workgroupBarrier();
  return ladder[0];
}
