// Four f32 to the output type, rounded once to nearest even by integer arithmetic. A NaN stays a
// NaN (quiet, sign kept); overflow goes to infinity.

fn encode_f32(v: vec4<f32>) -> vec4<u32> {
  return bitcast<vec4<u32>>(v);
}

fn encode_bf16(v: vec4<f32>) -> vec2<u32> {
  let b = bitcast<vec4<u32>>(v);
  let high = b >> vec4<u32>(16u);
  let rounded = (b + vec4<u32>(0x7fffu) + (high & vec4<u32>(1u))) >> vec4<u32>(16u);
  let nan = (b & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
  return pairs(select(rounded, (high & vec4<u32>(0x8000u)) | vec4<u32>(0x7fc0u), nan));
}

fn encode_f16(v: vec4<f32>) -> vec2<u32> {
  let b = bitcast<vec4<u32>>(v);
  return pairs(vec4<u32>(narrow_f16(b.x), narrow_f16(b.y), narrow_f16(b.z), narrow_f16(b.w)));
}

fn pairs(halves: vec4<u32>) -> vec2<u32> {
  return halves.xz | (halves.yw << vec2<u32>(16u));
}

fn narrow_f16(b: u32) -> u32 {
  let sign = (b >> 16u) & 0x8000u;
  let a = b & 0x7fffffffu;
  if (a > 0x7f800000u) { return sign | 0x7e00u; }
  if (a >= 0x477ff000u) { return sign | 0x7c00u; }
  if (a >= 0x38800000u) {
    return sign | ((a - 0x38000000u + 0xfffu + ((a >> 13u) & 1u)) >> 13u);
  }
  let exponent = a >> 23u;
  if (exponent < 102u) { return sign; }
  let whole = (a & 0x7fffffu) | 0x800000u;
  let shift = 126u - exponent;
  let kept = whole >> shift;
  let lost = whole & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  return sign | (kept + select(0u, 1u, lost > half || (lost == half && (kept & 1u) == 1u)));
}
