(entity_declaration name: (_) @name "is" @body) @definition.class
(architecture_body entity: (_) @name "is" @body) @definition.namespace
(package_declaration name: (_) @name "is" @body) @definition.namespace
(package_body package: (_) @name "is" @body) @definition.namespace
(component_declaration name: (_) @name) @definition.class
(function_body designator: (_) @name "is" @body) @definition.function
(procedure_body designator: (_) @name "is" @body) @definition.function
((process_statement (label (_) @name)) @definition.function
  (#set! min-lines 3))

(comment) @comment
