// Four consecutive elements of each type as f32, by integer arithmetic: the standard's own
// conversions may flush subnormals and lose NaNs. `at` is the input's byte offset in the buffer.

fn load_bf16(at: u32, group: u32) -> vec4<f32> {
  let w = words2[at / 8u + group];
  return bitcast<vec4<f32>>(vec4<u32>(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u));
}

fn load_f32(at: u32, group: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(words4[at / 16u + group]);
}

fn load_f16(at: u32, group: u32) -> vec4<f32> {
  let w = words2[at / 8u + group];
  return widen_f16(vec4<u32>(w.x & 0xffffu, w.x >> 16u, w.y & 0xffffu, w.y >> 16u));
}

fn load_f8_e5m2(at: u32, group: u32) -> vec4<f32> {
  return widen_f16(bytes_of(words1[at / 4u + group]) << vec4<u32>(8u));
}

fn load_f8_e4m3(at: u32, group: u32) -> vec4<f32> {
  let v = bytes_of(words1[at / 4u + group]);
  let low = v & vec4<u32>(0x7fu);
  var r = (low << vec4<u32>(20u)) + vec4<u32>(0x3c000000u);
  // Subnormals of the small type are multiples of 2^-9, normal in f32.
  r = select(r, bitcast<vec4<u32>>(vec4<f32>(low) * 0.001953125), low < vec4<u32>(8u));
  r = select(r, vec4<u32>(0x7fc00000u), low == vec4<u32>(0x7fu));
  return bitcast<vec4<f32>>(r | ((v & vec4<u32>(0x80u)) << vec4<u32>(24u)));
}

fn load_f64(at: u32, group: u32) -> vec4<f32> {
  let place = at / 16u + group * 2u;
  let a = words4[place];
  let b = words4[place + 1u];
  return bitcast<vec4<f32>>(vec4<u32>(narrow_f64(a.y, a.x), narrow_f64(a.w, a.z), narrow_f64(b.y, b.x), narrow_f64(b.w, b.z)));
}

fn bytes_of(word: u32) -> vec4<u32> {
  return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu);
}

fn widen_f16(h: vec4<u32>) -> vec4<f32> {
  let low = h & vec4<u32>(0x7fffu);
  let shifted = low << vec4<u32>(13u);
  var r = shifted + vec4<u32>(0x38000000u);
  r = select(r, shifted | vec4<u32>(0x7f800000u), low >= vec4<u32>(0x7c00u));
  // Subnormals of the small type are multiples of 2^-24, normal in f32.
  r = select(r, bitcast<vec4<u32>>(vec4<f32>(low) * 5.9604644775390625e-8), low < vec4<u32>(0x400u));
  return bitcast<vec4<f32>>(r | ((h & vec4<u32>(0x8000u)) << vec4<u32>(16u)));
}

// f64 to f32 to nearest even: 23 bits of fraction are kept, `rest` are the 29 below them.
fn narrow_f64(high: u32, low: u32) -> u32 {
  let sign = high & 0x80000000u;
  let exponent = i32((high >> 20u) & 0x7ffu) - 896;
  let fraction = ((high & 0xfffffu) << 3u) | (low >> 29u);
  let rest = low & 0x1fffffffu;
  if (exponent >= 255) {
    let nan = exponent == 1151 && (fraction | rest) != 0u;
    return sign | select(0x7f800000u, 0x7fc00000u | fraction, nan);
  }
  if (exponent >= 1) {
    let kept = (u32(exponent) << 23u) | fraction;
    return sign | (kept + select(0u, 1u, rest > 0x10000000u || (rest == 0x10000000u && (kept & 1u) == 1u)));
  }
  if (exponent < -23) { return sign; }
  let shift = u32(1 - exponent);
  let whole = fraction | 0x800000u;
  let kept = whole >> shift;
  let lost = whole & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  return sign | (kept + select(0u, 1u, lost > half || (lost == half && (rest != 0u || (kept & 1u) == 1u))));
}
