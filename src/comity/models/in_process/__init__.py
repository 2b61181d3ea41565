"""A Hugging Face model in this process: a `ChatModel` without a server, for small models, fresh adapters and tests.

`folder` knows what is on disk, `loading` makes a model of it, `engine` answers many prompts at once in one thread, `model` is the
`ChatModel` in front of it. torch and transformers are imported only when a model is loaded.

A reply depends on its prompt, sampling and seed alone. Not on who else is being answered, nor on what was cached. That rests on
what was measured with torch 2.13 on CPU in float32 (AVX-512, one thread and two), and each point is held by a test:

- A row of `Linear` is bitwise the same in any batch whose number of rows is a multiple of 4, wherever in the batch it stands.
- `scaled_dot_product_attention` is not the same for different lengths of keys, even where all that is added is masked: its second
  product sums over the keys in blocks whose size depends on their number. So `attention` multiplies itself, and sums over
  blocks of 64 keys in their order; what is masked adds exact zeros. That costs as much time as the library's own.
- Products of heads whose size is no multiple of 4 depend on where in memory a row begins, so `attention` fills them up with zeros.
- SiLU, GELU and their like give other last bits for what is left of a thread's share after whole vectors; where that is depends on the
  rows of a step and the number of threads. So `activations` computes them in parts that leave no rest. What computes its
  activation by no class that transformers has a name for is not covered.
- A prompt is read in pieces of 32 tokens that begin at multiples of 32, whoever else is read in the same step. What is taken
  from the cache are such pieces, whole, so a prompt had from it went through the same operations as one read anew.
- A token drawn goes through one row of a step and not through a piece, which gives other last bits; so a reply's own keys are not
  kept, and are read as a part of the next prompt.
- With four threads or more some widths' products are not the same for all numbers of rows; so no more than two are taken (`threads`).
- Chance comes from (seed, step) of the request, never from a stream.

Ways to tell positions that change with the longest text of a step (dynamic NTK, LongRoPE) are refused.

On a GPU, in bfloat16, in another version of torch or on another processor the same code runs, but none of this is promised; nor is it
for mixtures of experts, where what an expert is given depends on the others in the step.
"""
