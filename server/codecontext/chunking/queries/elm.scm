(type_alias_declaration name: (_) @name (eq) @body) @definition.class
(type_declaration name: (_) @name (eq) @body) @definition.class
; A signature and the function below it are one definition.
((type_annotation name: (_) @name) @definition.function
  (#set! clause))
((file (value_declaration
  functionDeclarationLeft: (function_declaration_left . (lower_case_identifier) @name)
  (eq) @body) @definition.function)
  (#set! clause))
(port_annotation name: (_) @name) @definition.function

[(line_comment) (block_comment)] @comment
