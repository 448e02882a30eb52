# ruff: noqa: E501
from lesion_jax.sweep.compiled_text import read_compiled

# Cut from what XLA of jaxlib 0.10.2 compiled a step of a DCGAN to for an H100.
TEXT = """
HloModule jit_program, is_scheduled=true

%fused_dot (parameter_0: bf16[64,100], parameter_1: bf16[100,2048]) -> bf16[64,2048] {
  %parameter_0 = bf16[64,100]{1,0} parameter(0)
  %parameter_1 = bf16[100,2048]{1,0} parameter(1)
  ROOT %dot_general.18 = bf16[64,2048]{1,0} dot(%parameter_0, %parameter_1), lhs_contracting_dims={1}, rhs_contracting_dims={0}
}

ENTRY %main (z: bf16[64,100], w: bf16[100,2048], x: bf16[64,8,8,32], k: bf16[64,5,5,32], y: bf16[64,4,4,64]) -> bf16[64,2048] {
  %z = bf16[64,100]{1,0} parameter(0)
  %w = bf16[100,2048]{1,0} parameter(1)
  %x = bf16[64,8,8,32]{3,2,1,0} parameter(2)
  %k = bf16[64,5,5,32]{3,2,1,0} parameter(3)
  %y = bf16[64,4,4,64]{3,2,1,0} parameter(4)
  %cudnn-conv.1 = (bf16[64,4,4,64]{3,2,1,0}, u8[0]{0}) custom-call(%x, %k), window={size=5x5 stride=2x2 pad=1_2x1_2}, dim_labels=b01f_o01i->b01f, custom_call_target="__cudnn$convForward", backend_config={}
  %cudnn-conv-bw-filter.2 = (bf16[64,5,5,32]{3,2,1,0}, u8[0]{0}) custom-call(%x, %y), window={size=5x5 stride=2x2 pad=1_2x1_2}, dim_labels=b01f_o01i->b01f, custom_call_target="__cudnn$convBackwardFilter", backend_config={}
  %cudnn-conv-bw-input.3 = (bf16[64,8,8,32]{3,2,1,0}, u8[0]{0}) custom-call(%y, %k), window={size=5x5 stride=2x2 pad=1_2x1_2}, dim_labels=b01f_o01i->b01f, custom_call_target="__cudnn$convBackwardInput", backend_config={}
  %get-tuple-element.5 = bf16[64,4,4,64]{3,2,1,0} get-tuple-element(%cudnn-conv.1), index=0
  %all-reduce.1 = bf16[64,4,4,64]{3,2,1,0} all-reduce(%get-tuple-element.5), replica_groups={}
  ROOT %fusion.1 = bf16[64,2048]{1,0} fusion(%z, %w), kind=kCustom, calls=%fused_dot
}
"""


def test_kernels_bytes_arithmetic_and_collectives_are_counted():
    found = read_compiled(TEXT)
    # One of each gradient, the forward, and the product.
    assert found.num_kernels == 4 and found.num_collectives == 1
    layer = 2 * 25 * 64 * 4 * 4 * 32 * 64
    assert found.flops == 3 * layer + 2 * 64 * 100 * 2048
    image, kernel, small = (2 * size for size in (64 * 8 * 8 * 32, 64 * 25 * 32, 64 * 4 * 4 * 64))
    product = 2 * (64 * 100 + 100 * 2048 + 64 * 2048)
    assert found.bytes_moved == 3 * (image + kernel + small) + product


LOOP = """
%fused_add (parameter_0: f32[8]) -> f32[8] {
  %parameter_0 = f32[8]{0} parameter(0)
  ROOT %add.1 = f32[8]{0} add(%parameter_0, %parameter_0)
}

%body.1 (arg: (s32[], f32[8])) -> (s32[], f32[8]) {
  %arg = (s32[], f32[8]{0}) parameter(0)
  %x = f32[8]{0} get-tuple-element(%arg), index=1
  %fusion.1 = f32[8]{0} fusion(%x), kind=kLoop, calls=%fused_add, metadata={op_name="add"}
  ROOT %tuple.1 = (s32[], f32[8]{0}) tuple(%arg, %fusion.1)
}

%condition.1 (arg: (s32[], f32[8])) -> pred[] {
  %arg = (s32[], f32[8]{0}) parameter(0)
  ROOT %less = pred[] compare(%arg, %arg), direction=LT
}

ENTRY %main (state: (s32[], f32[8])) -> (s32[], f32[8]) {
  %state = (s32[], f32[8]{0}) parameter(0)
  %copy.1 = f32[8]{0} copy(%state)
  ROOT %while.1 = (s32[], f32[8]{0}) while(%state), condition=%condition.1, body=%body.1, backend_config={"known_trip_count":{"n":"16"}}
}
"""


def test_what_is_in_a_loop_counts_as_often_as_it_turns():
    found = read_compiled(LOOP)
    assert found.num_kernels == 1 + 16
    # The state of the copy is a counter and the array.
    assert found.bytes_moved == (32 + 36) + 16 * (32 + 32)
    assert read_compiled(LOOP.replace("known_trip_count", "unknown")).num_kernels == 1 + 1
