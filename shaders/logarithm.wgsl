// Exponential and natural logarithm, after the range reductions and polynomials of Cephes' expf and
// logf (Moshier): kernels/assembly/logarithm.ts line by line. WGSL's own may be off by 2^-21 next to 1.
// A result too small for a normal number is 0. Special values are told apart by their bits.

// e^a = 2^n e^r with |r| <= ln(2) / 2; ln(2) in two parts, so that n times the first is exact.
fn exponential(a: vec4<f32>) -> vec4<f32> {
  let m = magnitude(a);
  let below = bits(a) > MAGNITUDE;
  let most = select(vec4<u32>(0x42b17217u), vec4<u32>(0x42aeac50u), below);
  let x = floats(select(vec4<u32>(0u), bits(a), m <= most));
  let n = floor(x * 1.44269504 + 0.5);
  let r = pin(x - n * 0.693359375) - n * -2.12194440e-4;
  var y = vec4<f32>(1.9875691500e-4);
  y = y * r + 1.3981999507e-3;
  y = y * r + 8.3334519073e-3;
  y = y * r + 4.1665795894e-2;
  y = y * r + 1.6666665459e-1;
  y = y * r + 5.0000001201e-1;
  y = (y * (r * r) + r) + ONE;
  let inside = bits(y) + (bitcast<vec4<u32>>(vec4<i32>(n)) << vec4<u32>(23u));
  let outside = select(select(INFINITE, vec4<u32>(0u), below), bits(a), is_nan(a));
  return floats(select(outside, inside, m <= most));
}

// ln(a) = e ln(2) + ln(1 + x) with 1 + x between sqrt(1/2) and sqrt(2).
fn logarithm(a: vec4<f32>) -> vec4<f32> {
  // A subnormal's bits, as a number, are the number times 2^149.
  let tiny = bits(a) < vec4<u32>(0x00800000u);
  let whole = select(bits(a), bits(vec4<f32>(bits(a) & vec4<u32>(0x007fffffu))), tiny);
  let above = bitcast<vec4<i32>>(whole - vec4<u32>(0x3f3504f3u));
  let e = vec4<f32>((above >> vec4<u32>(23u)) - select(vec4<i32>(0), vec4<i32>(149), tiny));
  let m = floats((bitcast<vec4<u32>>(above) & vec4<u32>(0x007fffffu)) + vec4<u32>(0x3f3504f3u));
  let x = m - ONE;
  let z = x * x;
  var y = vec4<f32>(7.0376836292e-2);
  y = y * x - 1.1514610310e-1;
  y = y * x + 1.1676998740e-1;
  y = y * x - 1.2420140846e-1;
  y = y * x + 1.4249322787e-1;
  y = y * x - 1.6668057665e-1;
  y = y * x + 2.0000714765e-1;
  y = y * x - 2.4999993993e-1;
  y = y * x + 3.3333331174e-1;
  y = y * x * z;
  y = y + e * -2.12194440e-4;
  y = y - z * 0.5;
  let inside = pin(x + y) + e * 0.693359375;
  // Infinity and NaN stay; zeros give -Infinity; what is below gives NaN.
  let special = select(vec4<u32>(0x7fc00000u), bits(a), (bits(a) <= MAGNITUDE) | is_nan(a));
  let ordinary = (bits(a) < INFINITE) & (bits(a) > vec4<u32>(0u));
  let most = select(special, bits(inside), ordinary);
  return floats(select(most, vec4<u32>(0xff800000u), magnitude(a) == vec4<u32>(0u)));
}
