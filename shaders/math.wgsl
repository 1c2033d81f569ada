// The operations, on four elements at once. WGSL lets a compiler assume that NaN and infinity never
// happen, so whatever must be right for them, or exact to the bit, looks at the integer bits instead.

const ONE = vec4<f32>(1.0);
const NONE = vec4<f32>(0.0);
const MAGNITUDE = vec4<u32>(0x7fffffffu);
const INFINITE = vec4<u32>(0x7f800000u);

fn bits(a: vec4<f32>) -> vec4<u32> { return bitcast<vec4<u32>>(a); }
fn floats(a: vec4<u32>) -> vec4<f32> { return bitcast<vec4<f32>>(a); }
fn magnitude(a: vec4<f32>) -> vec4<u32> { return bits(a) & MAGNITUDE; }
fn is_nan(a: vec4<f32>) -> vec4<bool> { return magnitude(a) > INFINITE; }
fn mask(yes: vec4<bool>) -> vec4<f32> { return select(NONE, ONE, yes); }

// The same number, but opaque to the compiler: nothing before it may be fused or reordered with
// anything after it, so a value has the same bits in every kernel that computes it.
fn pin(a: vec4<f32>) -> vec4<f32> { return floats(bits(a) ^ vec4<u32>(params.zero)); }

// Numbers in the order of floats, as integers; -0 and 0 are equal.
fn rank(a: vec4<f32>) -> vec4<i32> {
  let m = vec4<i32>(magnitude(a));
  return select(m, -m, bitcast<vec4<i32>>(a) < vec4<i32>(0));
}
fn ordered(a: vec4<f32>, b: vec4<f32>) -> vec4<bool> {
  return max(magnitude(a), magnitude(b)) <= INFINITE;
}

fn less(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> { return mask((rank(a) < rank(b)) & ordered(a, b)); }
fn less_equal(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> { return mask((rank(a) <= rank(b)) & ordered(a, b)); }
fn equal(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> { return mask((rank(a) == rank(b)) & ordered(a, b)); }
fn unequal(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> { return ONE - equal(a, b); }

// NaN if either is NaN.
fn smaller(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  let least = select(bits(b), bits(a), rank(a) < rank(b));
  return floats(select(select(least, bits(b), is_nan(b)), bits(a), is_nan(a)));
}
fn larger(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  let most = select(bits(b), bits(a), rank(a) > rank(b));
  return floats(select(select(most, bits(b), is_nan(b)), bits(a), is_nan(a)));
}

fn negative(a: vec4<f32>) -> vec4<f32> { return floats(bits(a) ^ vec4<u32>(0x80000000u)); }
fn absolute(a: vec4<f32>) -> vec4<f32> { return floats(magnitude(a)); }

// -1, 0 or 1; a NaN stays one.
fn signum(a: vec4<f32>) -> vec4<f32> {
  let one = (bits(a) & vec4<u32>(0x80000000u)) | vec4<u32>(0x3f800000u);
  let some = select(vec4<u32>(0u), one, magnitude(a) != vec4<u32>(0u));
  return floats(select(some, bits(a), is_nan(a)));
}

// Where the mask is anything but zero.
fn choose(which: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return floats(select(bits(b), bits(a), magnitude(which) != vec4<u32>(0u)));
}

// 1 where the magnitude exceeds the threshold, or equals it no later than the last tie kept.
fn above(a: vec4<f32>, threshold: u32, last: u32, index: u32) -> vec4<f32> {
  let m = magnitude(a);
  let early = vec4<i32>(i32(index)) + vec4<i32>(0, 1, 2, 3) <= vec4<i32>(bitcast<i32>(last));
  return mask((m > vec4<u32>(threshold)) | ((m == vec4<u32>(threshold)) & early));
}
fn tied(a: vec4<f32>, threshold: u32) -> vec4<f32> {
  return mask(magnitude(a) == vec4<u32>(threshold));
}
