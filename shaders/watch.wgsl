// Whether any value is NaN or infinite, as it is or once encoded: magnitudes from `beyond` on, by their bits, since WGSL
// promises nothing of such numbers. Found so seldom that it costs no more than looking.

@group(0) @binding(4) var<storage, read_write> flaw: atomic<u32>;

fn watch(inside: vec4<bool>, a: vec4<f32>, beyond: u32) {
  if (any(inside & (magnitude(a) >= vec4<u32>(beyond)))) { atomicOr(&flaw, 1u); }
}
