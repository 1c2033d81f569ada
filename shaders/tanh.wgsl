// Hyperbolic tangent: a quotient of polynomials, core/engine/cpu/functions.ts line by line. Below 2^-12 it is the number itself,
// NaN stays NaN.
fn hyperbolic_tangent(a: vec4<f32>) -> vec4<f32> {
  let m = magnitude(a);
  let sign = bits(a) & vec4<u32>(0x80000000u);
  let x = floats(min(m, vec4<u32>(0x41100000u)) | sign);
  let z = x * x;
  var p = vec4<f32>(1.3419828e-8);
  p = p * z + 2.0661267e-5;
  p = p * z + 3.4989963e-3;
  p = p * z + 1.3383980e-1;
  p = p * z + ONE;
  var q = vec4<f32>(7.8047317e-7);
  q = q * z + 3.2910388e-4;
  q = q * z + 2.5890207e-2;
  q = q * z + 4.6717302e-1;
  q = q * z + ONE;
  let itself = (m < vec4<u32>(0x39800000u)) | (m > INFINITE);
  return floats(select(bits(x * p / q), bits(a), itself));
}
