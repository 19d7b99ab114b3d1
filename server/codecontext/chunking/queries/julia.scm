(module_definition name: (_) @name (block) @body) @definition.namespace
(function_definition (signature (call_expression . (_) @name)) (block) @body) @definition.function
(function_definition (signature (_ (call_expression . (_) @name))) (block) @body) @definition.function
(macro_definition (signature (call_expression . (_) @name)) (block) @body) @definition.function
(assignment . (call_expression . (identifier) @name) (operator) @body) @definition.function
(struct_definition (type_head (identifier) @name) (block) @body) @definition.class
(struct_definition (type_head (_ . (identifier) @name)) (block) @body) @definition.class

((string_literal) @docstring . [
  (function_definition) (macro_definition) (assignment) (struct_definition)
] @documented)
((string_literal) @attached . [
  (function_definition) (macro_definition) (assignment) (struct_definition)
])
[(line_comment) (block_comment)] @comment
