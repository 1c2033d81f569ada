// The values to reduce along an axis, for the kernels that follow: one plane of whole blocks each.
@group(0) @binding(8) var<storage, read_write> scratch: array<vec4<f32>>;

fn keep(plane: u32, group: u32, a: vec4<f32>) {
  scratch[plane * params.blocks * 1024u + group] = a;
}
