package tables

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// within is the condition that a row is of a scope, by the expression for its tenant.
// Of a scope that names nobody it is none.
func within(of bos.TenantScope, tenant string) (condition string, args []any) {
	if one, ok := of.One(); ok {
		return tenant + " = ?", []any{one}
	}
	if of.All() {
		return "TRUE", nil
	}
	return "FALSE", nil
}

// Templates lists templates by tenant and name.
func (s *Store) Templates(ctx context.Context, of bos.TenantScope) ([]bos.SessionTemplate, error) {
	whose, args := within(of, "tenant")
	var list []bos.SessionTemplate
	err := s.each(ctx, func(row scanner) error {
		var document []byte
		if err := row.Scan(&document); err != nil {
			return err
		}
		t, err := decodeTemplate(document)
		list = append(list, t)
		return err
	}, "SELECT document FROM templates WHERE "+whose+" ORDER BY tenant, name", args...)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	return list, nil
}

// Template reads one template.
func (s *Store) Template(ctx context.Context, tenant, name string) (bos.SessionTemplate, error) {
	var document []byte
	err := s.row(ctx, "SELECT document FROM templates WHERE tenant = ? AND name = ?", tenant, name).Scan(&document)
	if notThere(err) {
		return bos.SessionTemplate{}, bos.ErrNotFound
	}
	if err != nil {
		return bos.SessionTemplate{}, fmt.Errorf("read template %s: %w", name, err)
	}
	return decodeTemplate(document)
}

// PutTemplate creates or replaces a template.
func (s *Store) PutTemplate(ctx context.Context, template bos.SessionTemplate, notes ...bos.Event) error {
	document, err := json.Marshal(template)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		err := t.exec(ctx, `INSERT INTO templates (tenant, name, document) VALUES (?1, ?2, ?3)
ON CONFLICT (tenant, name) DO UPDATE SET document = ?3`, bos.TenantOf(template.Tenant), template.Name, string(document))
		if err != nil {
			return fmt.Errorf("write template %s: %w", template.Name, err)
		}
		return t.changedTemplate(ctx, notes)
	})
}

// DeleteTemplate removes a template.
func (s *Store) DeleteTemplate(ctx context.Context, tenant, name string, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		if err := mustAffect(t.counted(ctx, "DELETE FROM templates WHERE tenant = ? AND name = ?", tenant, name)); err != nil {
			return err
		}
		return t.changedTemplate(ctx, notes)
	})
}

func (t *tx) changedTemplate(ctx context.Context, notes []bos.Event) error {
	change, err := t.changing(ctx)
	if err != nil {
		return err
	}
	change.Templates = true
	return t.note(ctx, notes)
}
