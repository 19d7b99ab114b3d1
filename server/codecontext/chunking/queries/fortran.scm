(module (module_statement (name) @name)) @definition.namespace
(submodule (submodule_statement (name) @name)) @definition.namespace
((program (program_statement (name) @name) . (_) @body) @definition.function
  (#set! trim-end))
((derived_type_definition (derived_type_statement (type_name) @name) . (_) @body) @definition.class
  (#set! trim-end))
((function (function_statement name: (_) @name) . (_) @body) @definition.function
  (#set! trim-end))
((subroutine (subroutine_statement name: (_) @name) . (_) @body) @definition.function
  (#set! trim-end))

(comment) @comment
