(package_body name: (_) @name "is" @body) @definition.namespace
(package_declaration name: (_) @name "is" @body) @definition.namespace
(subprogram_body [
  (function_specification name: (_) @name)
  (procedure_specification name: (_) @name)
] "is" @body) @definition.function
((subprogram_declaration [
  (function_specification name: (_) @name)
  (procedure_specification name: (_) @name)
]) @definition.function
  (#set! min-lines 2))
(task_body (identifier) @name "is" @body) @definition.class
((full_type_declaration . (identifier) @name "is" @body) @definition.class
  (#set! min-lines 2))
(protected_body . (identifier) @name "is" @body) @definition.class

(comment) @comment
