(call
  target: (identifier) @_keyword
  (arguments . (alias) @name)
  (do_block) @body
  (#any-of? @_keyword "defmodule" "defprotocol" "defimpl")) @definition.module
(call
  target: (identifier) @_keyword
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (call target: (identifier) @name))
  ])
  (do_block)? @body
  (#any-of? @_keyword "def" "defp" "defmacro" "defmacrop" "defguard" "defdelegate")) @definition.function

((unary_operator operator: "@" operand: (call (arguments (string) @docstring))) . (call) @documented)

(comment) @comment
((unary_operator operator: "@" operand: (call target: (identifier) @_attribute)) @attached
  (#any-of? @_attribute "doc" "spec" "impl" "deprecated"))
