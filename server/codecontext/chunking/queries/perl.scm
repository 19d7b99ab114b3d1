((package_statement name: (_) @name (block) @body) @definition.module
  (#set! absolute-name))
; package A;
((package_statement name: (_) @name) @definition.namespace
  (#set! lasts))
((class_statement name: (_) @name (block) @body) @definition.class
  (#set! absolute-name))
((role_statement name: (_) @name (block) @body) @definition.class
  (#set! absolute-name))
((class_statement name: (_) @name) @definition.namespace
  (#set! lasts))
((subroutine_declaration_statement name: (_) @name body: (_) @body) @definition.method
  (#match? @name "::|'")
  (#set! absolute-name))
(subroutine_declaration_statement name: (_) @name body: (_) @body) @definition.function
(method_declaration_statement name: (_) @name body: (_) @body) @definition.method
(expression_statement (assignment_expression
  left: (variable_declaration variable: (scalar (varname) @name))
  right: (anonymous_subroutine_expression body: (_) @body))) @definition.function

[(comment) (pod)] @comment
