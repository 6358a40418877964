package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EnvPrefix begins the name of each setting in the environment. The setting
// power.pcs.url is BOS_POWER_PCS_URL there.
const EnvPrefix = "BOS_"

// Environment changes the settings that the environment names. Lists are
// separated by commas. Only settings can be named, so that other variables with
// the prefix, such as those of the Terraform provider, are left alone.
func (c *Config) Environment(lookup func(string) (string, bool)) error {
	for _, s := range settings(reflect.TypeFor[Config](), nil) {
		text, ok := lookup(s.env)
		if !ok {
			continue
		}
		if err := set(s.in(reflect.ValueOf(c).Elem()), text); err != nil {
			return fmt.Errorf("the environment variable %s is %q: %w", s.env, text, err)
		}
	}
	return nil
}

// Variables are the names of all settings in the environment, in the order of
// the file.
func Variables() []string {
	var names []string
	for _, s := range settings(reflect.TypeFor[Config](), nil) {
		names = append(names, s.env)
	}
	return names
}

// setting is one leaf of the settings.
type setting struct {
	env   string
	index []int
}

// in is the field of the setting; sections on the way to it come to be.
func (s setting) in(v reflect.Value) reflect.Value {
	for _, i := range s.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

// settings lists the leaves of a struct by the names of the file.
func settings(t reflect.Type, path []string) []setting {
	var all []setting
	for i := range t.NumField() {
		field := t.Field(i)
		name, option, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		below := path
		if option != "inline" {
			below = append(slices.Clone(path), strings.ToUpper(name))
		}
		inner := field.Type
		if inner.Kind() == reflect.Pointer && inner.Elem().Kind() == reflect.Struct {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct {
			continue // a list of sections has no name in the environment
		}
		if inner.Kind() != reflect.Struct {
			all = append(all, setting{EnvPrefix + strings.Join(below, "_"), []int{i}})
			continue
		}
		for _, s := range settings(inner, below) {
			all = append(all, setting{s.env, append([]int{i}, s.index...)})
		}
	}
	return all
}

// set reads text as the kind of value that a setting has.
func set(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("it is no duration such as 10m")
		}
		v.SetInt(int64(d))
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("it is neither true nor false")
		}
		v.SetBool(b)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.ValueOf(strings.Split(text, ",")))
	case v.CanInt():
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("it is no whole number")
		}
		v.SetInt(int64(n))
	default:
		v.SetString(text)
	}
	return nil
}
